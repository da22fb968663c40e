// Numbers and texts as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dedup::command {

/// "1 message", "2 messages".
std::string CountOf(std::uint64_t count, std::string_view one, std::string_view many);

/// "70 %", "0.5 %"; "-" of nothing.
std::string ShareText(std::uint64_t part, std::uint64_t whole);

/// Up to `bytes_max` bytes of UTF-8 or anything else, with dots for what a terminal would not show, and "…" at the end
/// where there is more.
std::string Shown(std::string_view text, std::size_t bytes_max);

}  // namespace dedup::command
