#include "command/report/words.h"

#include <cstdio>

#include "plugin/core/text/utf8.h"

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
  std::string_view beginning = text.substr(0, bytes_max);
  if (beginning.size() < text.size()) {
    // Of a character that is cut in two nothing is shown. None has more than three bytes behind its first.
    const std::string_view whole = beginning.substr(0, Utf8Prefix(beginning));
    if (beginning.size() - whole.size() <= 3) beginning = whole;
  }
  std::string shown;
  for (std::size_t i = 0; i < beginning.size(); ++i) {
    const auto byte = static_cast<unsigned char>(beginning[i]);
    const bool is_c1 = byte == 0xC2 && i + 1 < beginning.size() && static_cast<unsigned char>(beginning[i + 1]) < 0xA0;
    if (is_c1) ++i;
    shown.push_back(is_c1 || byte < 32 || byte == 127 ? '.' : beginning[i]);
  }
  return beginning.size() < text.size() ? shown + " …" : shown;
}

}  // namespace dedup::command
