#include "command/traffic/topic_patterns.h"

#include <algorithm>
#include <utility>

namespace dedup::command {
namespace {

bool IsSameKind(const Pattern& pattern, const Pattern& other) {
  std::size_t different = 0;
  std::size_t common = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "+" || other[i] == "+") continue;
    if (pattern[i] == other[i]) {
      common += !pattern[i].empty();
    } else {
      ++different;
    }
  }
  const std::size_t may_differ = pattern.size() >= 5 ? 2 : 1;
  return different == 0 || (different <= may_differ && common != 0);
}

}  // namespace

std::vector<std::string_view> LevelsOf(std::string_view topic) {
  std::vector<std::string_view> levels;
  for (;;) {
    const std::size_t slash = topic.find('/');
    levels.push_back(topic.substr(0, slash));
    if (slash == std::string_view::npos) return levels;
    topic.remove_prefix(slash + 1);
  }
}

bool LooksLikeId(std::string_view level) {
  std::size_t digits = 0;
  std::size_t hex = 0;
  std::size_t separators = 0;
  for (const char c : level) {
    const bool is_digit = c >= '0' && c <= '9';
    digits += is_digit;
    hex += is_digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    separators += c == ':' || c == '-' || c == '!';
  }
  if (digits >= 5) return true;
  if (digits == level.size()) return digits >= 3;
  return digits != 0 && hex >= 6 && hex + separators == level.size();
}

Pattern PatternOf(std::string_view topic) {
  Pattern pattern;
  for (const std::string_view level : LevelsOf(topic)) pattern.emplace_back(LooksLikeId(level) ? "+" : level);
  return pattern;
}

std::vector<Pattern> KindsOf(const std::map<Pattern, std::size_t>& counts) {
  std::vector<std::pair<std::size_t, const Pattern*>> order;
  for (const auto& [pattern, count] : counts) order.emplace_back(count, &pattern);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Pattern> patterns;
  for (const auto& [count, pattern] : order) {
    const auto kind =
        std::find_if(patterns.begin(), patterns.end(), [&](const auto& known) { return IsSameKind(known, *pattern); });
    if (kind == patterns.end()) {
      patterns.push_back(*pattern);
      continue;
    }
    for (std::size_t i = 0; i < pattern->size(); ++i) {
      if ((*kind)[i] != (*pattern)[i]) (*kind)[i] = "+";
    }
  }
  return patterns;
}

bool Fits(const Pattern& pattern, const Pattern& kind) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (kind[i] != "+" && kind[i] != pattern[i]) return false;
  }
  return true;
}

}  // namespace dedup::command
