// The timestamps that a posted event may carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dedup::sidecar {

/// Whether `text` is a date or a date-time of ISO 8601 that exists in the calendar.
///
/// Taken: `2024-02-29`, `2024-02-29T23:59`, `2024-02-29 23:59:59.123456`, each date-time with or without a zone (`Z`,
/// `+01`, `+0100`, `+01:00`), and the basic forms `20240229`, `20240229T235959Z`; `t` and `z` may be small letters.
/// Years 1 to 9999, hours to 23, minutes and seconds to 59; a leap second (`:60`) only where it is 23:59:60 in UTC, or
/// 23:59:60 without a zone. Not taken: week and ordinal dates, durations, hours alone, a date with a zone.
bool IsTimestamp(std::string_view text);

/// The same, as microseconds since 1970, and nothing for what is no timestamp: a date is its first moment, without a
/// zone it is UTC, digits behind the sixth of a fraction are dropped, a leap second is the second that follows it.
std::optional<std::int64_t> ParseTimestamp(std::string_view text);

}  // namespace dedup::sidecar
