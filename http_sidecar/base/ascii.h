// Letters of what HTTP and its like compare without regard to case.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace dedup::sidecar {

/// A to Z become a to z, in any locale; all other bytes stay.
constexpr char AsciiLower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return AsciiLower(c); });
  return lower;
}

/// Whether the two differ in nothing but the case of such letters.
constexpr bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return AsciiLower(x) == AsciiLower(y); });
}

}  // namespace dedup::sidecar
