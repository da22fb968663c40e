#include "sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace dedup::sidecar {

Sha256 Sha256Of(std::string_view text) {
  Sha256 hash;
  if (EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 failed");
  }
  return hash;
}

bool AreSame(const Sha256& a, const Sha256& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

std::string RandomHex() {
  Sha256 random;
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw std::system_error(errno, std::system_category(), "getrandom");
  }
  return HexOf(random);
}

std::string HexOf(const Sha256& hash) {
  std::string hex;
  for (const unsigned byte : hash) hex.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  return hex;
}

}  // namespace dedup::sidecar
