#include "http_sidecar/base/percent.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "http_sidecar/base/number.h"

namespace dedup::sidecar {

std::string PercentDecoded(std::string_view text, Plus plus) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::uint8_t> byte;
    if (text[i] == '%' && i + 2 < text.size()) byte = ParseNumber<std::uint8_t>(text.substr(i + 1, 2), 16);
    if (byte) {
      decoded.push_back(static_cast<char>(*byte));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' && plus == Plus::kIsASpace ? ' ' : text[i]);
    }
  }
  return decoded;
}

}  // namespace dedup::sidecar
