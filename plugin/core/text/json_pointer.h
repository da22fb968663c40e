// JSON Pointers (RFC 6901): the way to one value of a document.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

/// A pointer's reference tokens, their escapes (`~0`, `~1`) resolved; none: the whole document.
using JsonPointer = std::vector<std::string>;

/// Reads a pointer as RFC 6901, section 3, has it: empty, or `/` before each token, and `~` only as `~0` or `~1`.
std::optional<JsonPointer> ParseJsonPointer(std::string_view text);

/// The pointer's text.
std::string JsonPointerText(const JsonPointer& pointer);

/// Which element of an array a token names: digits without a leading zero. Nothing for other tokens, `-` among them,
/// and beyond 32 bits, where no array of ours reaches.
std::optional<std::uint32_t> ArrayIndex(std::string_view token);

}  // namespace dedup
