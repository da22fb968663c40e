// A piece of a configuration as it is repeated in a message about it.
#pragma once

#include <string>
#include <string_view>

namespace dedup {

/// In single quotes, on one line: at most 100 bytes of UTF-8, with `…` in place of what is left out and `?` in place of
/// control characters.
inline std::string Shown(std::string_view text) {
  constexpr std::size_t kBytesMax = 100;
  std::string shown = "'";
  std::size_t size = text.size();
  if (size > kBytesMax) {
    for (size = kBytesMax; (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80;) --size;
  }
  for (const char c : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(c);
    shown.push_back(byte < 0x20 || byte == 0x7F ? '?' : c);
  }
  if (size < text.size()) shown += "…";
  return shown + "'";
}

}  // namespace dedup
