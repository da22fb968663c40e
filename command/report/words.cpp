#include "command/report/words.h"

#include <algorithm>
#include <cstdio>

namespace dedup::command {

std::string CountOf(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count).append(" ").append(count == 1 ? one : many);
}

std::string ShareText(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  char text[32];
  std::snprintf(text, sizeof text, percent > 0 && percent < 10 ? "%.1f %%" : "%.0f %%", percent);
  return text;
}

std::string Shown(std::string_view text, std::size_t bytes_max) {
  std::string shown(text.substr(0, bytes_max));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '.');
  if (text.size() <= bytes_max) return shown;
  while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0x80) != 0) shown.pop_back();
  return shown + " …";
}

}  // namespace dedup::command
