// How often the key comes: too rarely to judge by it, or too often for copies.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/traffic/column_name.h"
#include "command/traffic/member_names.h"
#include "command/trial/against.h"
#include "command/trial/roles.h"

namespace dedup::command {

Against FewRepeats(const Hearing& hearing) {
  const bool is_certain = hearing.ignored.none() && !hearing.identities.empty();
  if (hearing.repeated_count >= (is_certain ? kEventsLeastWithId : kEventsLeast)) return std::nullopt;
  return "";
}

// Copies are few. One publisher resends once or twice; of several each tells once.
Against ManyInOne(const Hearing& hearing) {
  std::size_t side_count = 1;
  for (const std::size_t i : hearing.sides) {
    const Column& column = hearing.table.columns[i];
    side_count = std::max(side_count, std::min<std::size_t>(column.distinct_count, 8));
  }
  const auto larger_than = [&](std::size_t most) {
    return static_cast<std::size_t>(
        std::count_if(hearing.size.begin(), hearing.size.end(), [&](std::uint32_t size) { return size > most; }));
  };
  if (ShareOf(larger_than(side_count > 1 ? 2 * side_count + 1 : 6), hearing.repeated_count) > 0.05) return "";
  // One publisher that says nearly everything several times, not in a burst: an id of more than an event.
  if (hearing.sides.empty() && hearing.gap_max_s() > 1.0 &&
      (ShareOf(hearing.repeated_count, hearing.event_count()) > 0.6 ||
       ShareOf(larger_than(2), hearing.repeated_count) > 0.5)) {
    return "";
  }
  return std::nullopt;
}

Against OneKey(const Hearing& hearing) {
  std::unordered_map<std::uint64_t, std::size_t> copies;
  std::size_t most = 0;
  for (const auto& [earlier, later] : hearing.pairs) most = std::max(most, ++copies[hearing.keys[later]]);
  if (most > 5 && ShareOf(most, hearing.pairs.size()) > 0.25) return "";
  return std::nullopt;
}

}  // namespace dedup::command
