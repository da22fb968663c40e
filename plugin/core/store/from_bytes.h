// Keys and secrets as columns hold them: their bytes.
#pragma once

#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

namespace dedup {

/// Nothing where there are more bytes, or fewer.
template <class Value>
std::optional<Value> FromBytes(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<Value>);
  Value value;
  if (bytes.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace dedup
