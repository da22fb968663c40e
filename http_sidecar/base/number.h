// Numbers that must be the whole of a text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace dedup::sidecar {

/// The number that `text` is in digits of `base`, without a sign for an unsigned Number; nothing for any other text,
/// also one that is empty, has blanks, or is beyond Number's range.
template <class Number>
std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace dedup::sidecar
