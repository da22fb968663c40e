#include "timestamp.h"

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

  /// One digit or more.
  bool TakeDigits() {
    const std::size_t count = rest_.find_first_not_of("0123456789");
    if (count == 0 || rest_.empty()) return false;
    rest_.remove_prefix(count == std::string_view::npos ? rest_.size() : count);
    return true;
  }

 private:
  std::string_view rest_;
};

constexpr int kMinutesPerDay = 24 * 60;

bool TakeDate(Cursor* cursor, bool* extended) {
  const auto year = cursor->TakeNumber(4);
  *extended = cursor->TakeOneOf("-");
  const auto month = cursor->TakeNumber(2);
  if (!year || !month || (*extended && !cursor->TakeOneOf("-"))) return false;
  const auto day = cursor->TakeNumber(2);
  if (!day || *year == 0) return false;
  return std::chrono::year_month_day(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                     std::chrono::day(static_cast<unsigned>(*day)))
      .ok();
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

bool TakeTimeAndZone(Cursor* cursor, bool extended) {
  const auto hour = cursor->TakeNumber(2);
  if (extended && !cursor->TakeOneOf(":")) return false;
  const auto minute = cursor->TakeNumber(2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return false;
  int second = 0;
  if (extended ? cursor->TakeOneOf(":") : cursor->SeesDigit()) {
    const auto taken = cursor->TakeNumber(2);
    if (!taken || *taken > 60) return false;
    second = *taken;
    if (cursor->TakeOneOf(".,") && !cursor->TakeDigits()) return false;
  }
  const auto zone = TakeZone(cursor);
  if (!zone) return false;
  const int utc_minute = (*hour * 60 + *minute - *zone + 2 * kMinutesPerDay) % kMinutesPerDay;
  return second < 60 || utc_minute == kMinutesPerDay - 1;
}

}  // namespace

bool IsTimestamp(std::string_view text) {
  Cursor cursor(text);
  bool extended = false;
  if (!TakeDate(&cursor, &extended)) return false;
  if (cursor.AtEnd()) return true;
  return cursor.TakeOneOf("Tt ") && TakeTimeAndZone(&cursor, extended) && cursor.AtEnd();
}

}  // namespace dedup::sidecar
