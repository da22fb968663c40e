// Letters of what HTTP and its like compare without regard to case.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace dedup::sidecar {

/// A to Z become a to z, in any locale; all other bytes stay.
inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

}  // namespace dedup::sidecar
