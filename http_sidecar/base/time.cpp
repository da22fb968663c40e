#include "http_sidecar/base/time.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

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

constexpr std::size_t kSecondBytes = 20;

// printf would take a fifth of the time of a long list.
void PutDigits(std::uint32_t number, int count, char* text) {
  for (char* digit = text + count; digit != text; number /= 10) *--digit = static_cast<char>('0' + number % 10);
}

// Without the fraction: "2024-02-29T23:59:59.", 20 characters.
void PutSecond(std::chrono::sys_seconds time, char* text) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::memcpy(text, "0000-00-00T00:00:00.", kSecondBytes);
  PutDigits(static_cast<std::uint32_t>(static_cast<int>(date.year())), 4, text);
  PutDigits(static_cast<unsigned>(date.month()), 2, text + 5);
  PutDigits(static_cast<unsigned>(date.day()), 2, text + 8);
  PutDigits(static_cast<std::uint32_t>(clock.hours().count()), 2, text + 11);
  PutDigits(static_cast<std::uint32_t>(clock.minutes().count()), 2, text + 14);
  PutDigits(static_cast<std::uint32_t>(clock.seconds().count()), 2, text + 17);
}

}  // namespace

std::int64_t NowUs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

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

char* PutTime(std::int64_t us, char* at) {
  using namespace std::chrono;
  // Beyond the years that RFC 3339 can write there are only damaged rows.
  constexpr sys_days kFirst{year(1) / 1 / 1}, kEnd{year(10'000) / 1 / 1};
  const auto time = std::clamp<sys_time<microseconds>>(sys_time<microseconds>{microseconds(us)}, kFirst,
                                                       sys_time<microseconds>(kEnd) - microseconds(1));
  const auto second = floor<seconds>(time);
  // In a list many events share a second.
  thread_local struct {
    sys_seconds second;
    char text[kSecondBytes];
  } last{.second = sys_seconds::min(), .text = {}};
  if (second != last.second) PutSecond(last.second = second, last.text);
  std::memcpy(at, last.text, kSecondBytes);
  PutDigits(static_cast<std::uint32_t>((time - second).count()), 6, at + kSecondBytes);
  at[kTimeBytes - 1] = 'Z';
  return at + kTimeBytes;
}

std::string FormatTime(std::int64_t us) {
  std::string text(kTimeBytes, '\0');
  PutTime(us, text.data());
  return text;
}

std::string FormatUptime(std::chrono::seconds uptime) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(uptime);
  const std::chrono::hh_mm_ss time(uptime - days);
  char text[64];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", static_cast<long>(time.hours().count()),
                static_cast<long>(time.minutes().count()), static_cast<long>(time.seconds().count()));
  if (days.count() == 0) return text;
  return std::to_string(days.count()) + (days.count() == 1 ? " day, " : " days, ") + text;
}

std::string HttpDate(std::int64_t us) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(us))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                    kDays[std::chrono::weekday(day).c_encoding()], unsigned{date.day()},
                    kMonths[unsigned{date.month()} - 1], int{date.year()}, static_cast<int>(clock.hours().count()),
                    static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace dedup::sidecar
