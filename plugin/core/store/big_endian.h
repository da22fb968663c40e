// Numbers as SQLite's files have them.
#pragma once

#include <cstddef>
#include <string_view>

namespace dedup {

/// The first bytes, of which there must be enough.
template <class Number>
Number BigEndian(std::string_view bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<Number>(number << 8 | static_cast<unsigned char>(bytes[i]));
  }
  return number;
}

}  // namespace dedup
