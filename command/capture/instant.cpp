#include "command/capture/instant.h"

#include <charconv>
#include <chrono>
#include <cmath>

namespace dedup::command {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes a number of so many digits off the text's front.
bool Take(std::string_view* text, std::size_t digits, int* number) {
  if (text->size() < digits) return false;
  *number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!IsDigit((*text)[i])) return false;
    *number = *number * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(digits);
  return true;
}

bool TakeOne(std::string_view* text, std::string_view characters) {
  if (text->empty() || characters.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

std::optional<double> TimeOfDay(std::string_view* text) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!Take(text, 2, &hour)) return std::nullopt;
  const bool has_colons = TakeOne(text, ":");
  if (!Take(text, 2, &minute)) return std::nullopt;
  if (has_colons ? !TakeOne(text, ":") : false) return std::nullopt;
  if (!Take(text, 2, &second) || hour > 24 || minute > 59 || second > 60) return std::nullopt;
  double time_s = hour * 3600 + minute * 60 + second;
  if (TakeOne(text, ".,")) {
    if (text->empty() || !IsDigit(text->front())) return std::nullopt;
    for (double place = 0.1; !text->empty() && IsDigit(text->front()); place /= 10) {
      time_s += place * (text->front() - '0');
      text->remove_prefix(1);
    }
  }
  return time_s;
}

std::optional<double> ZoneOffset(std::string_view text) {
  TakeOne(&text, " ");
  const bool has_z = TakeOne(&text, "Zz");
  if (text.empty()) return 0;
  if (!has_z && text == "UTC") return 0;
  const double sign = text.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!TakeOne(&text, "+-") || !Take(&text, 2, &hours)) return std::nullopt;
  TakeOne(&text, ":");
  if (!text.empty() && !Take(&text, 2, &minutes)) return std::nullopt;
  if (!text.empty()) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<double> InstantOf(std::string_view text) {
  if (text.size() < 8 || text.size() > 40) return std::nullopt;
  if (text[2] == ':') {
    const auto time_s = TimeOfDay(&text);
    return text.empty() ? time_s : std::nullopt;
  }
  int year = 0;
  int month = 0;
  int day = 0;
  if (!Take(&text, 4, &year)) return std::nullopt;
  const bool has_separators = TakeOne(&text, "-/.");
  if (!Take(&text, 2, &month)) return std::nullopt;
  if (has_separators && !TakeOne(&text, "-/.")) return std::nullopt;
  if (!Take(&text, 2, &day)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1970 || year > 2200 || !date.ok()) return std::nullopt;
  TakeOne(&text, "Tt ");
  const auto time_s = TimeOfDay(&text);
  if (!time_s) return std::nullopt;
  const auto offset = ZoneOffset(text);
  if (!offset) return std::nullopt;
  const std::chrono::sys_days days = date;
  return static_cast<double>(days.time_since_epoch().count()) * 86400 + *time_s - *offset;
}

std::optional<double> NumberOf(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace dedup::command
