#include "http_sidecar/base/time.h"

#include <chrono>
#include <cstddef>
#include <optional>

namespace dedup::sidecar {
namespace {

/// Takes what it is asked for off the front of a text, or leaves the text as it is.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  bool Sees(char c) const { return rest_.starts_with(c); }
  bool SeesDigit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  bool TakeOneOf(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Exactly `count` decimal digits.
  std::optional<int> TakeNumber(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int number = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      number = number * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }

  /// One digit or more, as a decimal fraction's millionths.
  std::optional<int> TakeMillionths() {
    if (!SeesDigit()) return std::nullopt;
    int millionths = 0;
    for (int unit = 100'000; SeesDigit(); unit /= 10) {
      millionths += unit * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return millionths;
  }

 private:
  std::string_view rest_;
};

constexpr int kMinutesPerDay = 24 * 60;

std::optional<std::chrono::sys_days> TakeDate(Cursor* cursor, bool* extended) {
  const auto year = cursor->TakeNumber(4);
  *extended = cursor->TakeOneOf("-");
  const auto month = cursor->TakeNumber(2);
  if (!year || !month || (*extended && !cursor->TakeOneOf("-"))) return std::nullopt;
  const auto day = cursor->TakeNumber(2);
  if (!day || *year == 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return date;
}

// The zone's minutes east of UTC; 0 where there is none.
std::optional<int> TakeZone(Cursor* cursor) {
  if (cursor->AtEnd() || cursor->TakeOneOf("Zz")) return 0;
  const int sign = cursor->Sees('-') ? -1 : 1;
  if (!cursor->TakeOneOf("+-")) return std::nullopt;
  const auto hours = cursor->TakeNumber(2);
  if (!hours || *hours > 23) return std::nullopt;
  if (cursor->AtEnd()) return sign * *hours * 60;
  cursor->TakeOneOf(":");
  const auto minutes = cursor->TakeNumber(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + *minutes);
}

// The time since the date's beginning in UTC; it may be on the day before or behind.
std::optional<std::chrono::microseconds> TakeTimeAndZone(Cursor* cursor, bool extended) {
  const auto hour = cursor->TakeNumber(2);
  if (extended && !cursor->TakeOneOf(":")) return std::nullopt;
  const auto minute = cursor->TakeNumber(2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  int second = 0;
  int millionths = 0;
  if (extended ? cursor->TakeOneOf(":") : cursor->SeesDigit()) {
    const auto taken = cursor->TakeNumber(2);
    if (!taken || *taken > 60) return std::nullopt;
    second = *taken;
    if (cursor->TakeOneOf(".,")) {
      const auto fraction = cursor->TakeMillionths();
      if (!fraction) return std::nullopt;
      millionths = *fraction;
    }
  }
  const auto zone = TakeZone(cursor);
  if (!zone) return std::nullopt;
  const int utc_minute = *hour * 60 + *minute - *zone;
  if (second == 60 && (utc_minute + 2 * kMinutesPerDay) % kMinutesPerDay != kMinutesPerDay - 1) return std::nullopt;
  return std::chrono::minutes(utc_minute) + std::chrono::seconds(second) + std::chrono::microseconds(millionths);
}

}  // namespace

std::optional<std::int64_t> ParseTimestamp(std::string_view text) {
  Cursor cursor(text);
  bool extended = false;
  const auto date = TakeDate(&cursor, &extended);
  if (!date) return std::nullopt;
  std::chrono::sys_time<std::chrono::microseconds> time = *date;
  if (!cursor.AtEnd()) {
    if (!cursor.TakeOneOf("Tt ")) return std::nullopt;
    const auto of_day = TakeTimeAndZone(&cursor, extended);
    if (!of_day || !cursor.AtEnd()) return std::nullopt;
    time += *of_day;
  }
  return time.time_since_epoch().count();
}

bool IsTimestamp(std::string_view text) { return ParseTimestamp(text).has_value(); }

}  // namespace dedup::sidecar
