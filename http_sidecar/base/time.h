// Times as clients write and read them: timestamps of ISO 8601, and how long the sidecar has been up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dedup::sidecar {

/// The wall clock, as microseconds since 1970.
std::int64_t NowUs();

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

/// "2024-02-29T23:59:59.000001Z", from microseconds since 1970; what is outside the years 1 to 9999 becomes their edge.
std::string FormatTime(std::int64_t us);

inline constexpr std::size_t kTimeBytes = 27;
/// The same for lists, where it counts: writes kTimeBytes characters to `at` and returns their end.
char* PutTime(std::int64_t us, char* at);

/// "0:00:07", "23:59:59", beyond a day "1 day, 1:01:01" and "2 days, 7:33:20". Fractions of a second are cut off.
std::string FormatUptime(std::chrono::seconds uptime);

/// The time as HTTP writes it (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT", from microseconds since 1970.
std::string HttpDate(std::int64_t us);

}  // namespace dedup::sidecar
