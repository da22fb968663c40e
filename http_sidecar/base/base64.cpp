#include "http_sidecar/base/base64.h"

#include <openssl/evp.h>

#include <cstddef>
#include <limits>
#include <stdexcept>

namespace dedup::sidecar {

void AppendBase64(std::string_view bytes, std::string* out) {
  if (bytes.size() > std::numeric_limits<int>::max()) throw std::length_error("too many bytes for base64");
  const std::size_t begin = out->size();
  out->resize(begin + (bytes.size() + 2) / 3 * 4 + 1);  // OpenSSL ends it with a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out->data() + begin),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out->pop_back();
}

}  // namespace dedup::sidecar
