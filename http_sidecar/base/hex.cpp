#include "http_sidecar/base/hex.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace dedup::sidecar {

std::string HexOf(std::span<const std::uint8_t> bytes) {
  std::string hex;
  for (const unsigned byte : bytes) hex.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  return hex;
}

std::string RandomHex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw std::system_error(errno, std::system_category(), "getrandom");
  }
  return HexOf(random);
}

}  // namespace dedup::sidecar
