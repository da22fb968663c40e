// Durations and sizes as people write them: a whole number and a unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dedup {

/// "100ms", "5s", "15m", "12h", "7d", "0"; nothing for what is no duration, or longer than a hundred years.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

/// Bytes: "64K", "128M", "1G", each unit 1024 of the one before, "0"; nothing for what is no size, or too large for 63
/// bits.
std::optional<std::uint64_t> ParseSize(std::string_view text);

}  // namespace dedup
