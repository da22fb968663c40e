// Where an event comes from, by its own account.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace dedup {

inline constexpr std::size_t kSourceBytesMax = 256;

/// Room for a source whose escapes must be resolved.
using SourceBuffer = std::array<char, kSourceBytesMax>;

/// The first top-level member `source` of a payload that is one JSON object, where it is a string of at most
/// kSourceBytesMax bytes after unescaping. The text points into `payload` or into `buffer`. Never allocates.
std::optional<std::string_view> FindSource(std::string_view payload, SourceBuffer& buffer);

}  // namespace dedup
