#include "plugin/core/text/topic_filter.h"

#include <algorithm>
#include <cstddef>

namespace dedup {
namespace {

// Takes the first level off `levels`. `last` tells whether it was the last one, which may be empty.
std::string_view TakeLevel(std::string_view* levels, bool* last) {
  const std::size_t slash = levels->find('/');
  *last = slash == std::string_view::npos;
  const std::string_view level = levels->substr(0, slash);
  *levels = *last ? std::string_view{} : levels->substr(slash + 1);
  return level;
}

}  // namespace

bool IsTopicFilter(std::string_view filter) {
  if (filter.empty() || filter.size() > 65535 || filter.find('\0') != std::string_view::npos) return false;
  for (bool last = false; !last;) {
    const std::string_view level = TakeLevel(&filter, &last);
    if (level.find_first_of("+#") == std::string_view::npos) continue;
    if (level.size() != 1 || (level == "#" && !last)) return false;
  }
  return true;
}

bool MatchesFilter(std::string_view topic, std::string_view filter) {
  if (topic.starts_with('$') && !filter.starts_with('$')) return false;
  for (bool topic_ended = false;;) {
    bool filter_ended = false;
    const std::string_view pattern = TakeLevel(&filter, &filter_ended);
    // "a/#" matches "a" too: the wildcard stands for the parent level as well.
    if (pattern == "#") return true;
    if (topic_ended) return false;
    const std::string_view level = TakeLevel(&topic, &topic_ended);
    if (pattern != "+" && pattern != level) return false;
    if (filter_ended) return topic_ended;
  }
}

bool CoversFilter(std::string_view outer, std::string_view inner) {
  // "#" stands for one level at least where it is the first one, and for none elsewhere.
  if (inner == "#") return outer == "#" || outer == "+/#";
  for (bool inner_ended = false;;) {
    bool outer_ended = false;
    const std::string_view pattern = TakeLevel(&outer, &outer_ended);
    if (pattern == "#") return true;
    if (inner_ended) return false;
    const std::string_view level = TakeLevel(&inner, &inner_ended);
    if (level == "#" || (pattern != "+" && pattern != level)) return false;
    if (outer_ended) return inner_ended;
  }
}

bool MatchesAny(std::string_view topic, std::span<const std::string> filters) {
  return std::ranges::any_of(filters, [topic](const std::string& filter) { return MatchesFilter(topic, filter); });
}

}  // namespace dedup
