// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace dedup {

/// How many bytes the character at the beginning of `text`, which is not empty, takes; 0 if it is no UTF-8 (Unicode 15,
/// table 3-7).
inline std::size_t Utf8Size(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                           : (lead & 0xF0) == 0xE0        ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool too_long = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool no_character = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return too_long || no_character ? 0 : size;
}

/// How many bytes of `text` are whole characters of UTF-8, from its beginning.
inline std::size_t Utf8Prefix(std::string_view text) {
  std::size_t prefix = 0;
  while (prefix < text.size()) {
    const std::size_t size = Utf8Size(text.substr(prefix));
    if (size == 0) break;
    prefix += size;
  }
  return prefix;
}

inline bool IsUtf8(std::string_view text) { return Utf8Prefix(text) == text.size(); }

}  // namespace dedup
