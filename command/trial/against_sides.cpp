// Who sends the copies: several receivers of the same, or stages and neighbours.

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
namespace {

// Of the rows that another side's meets within a while, the share that has no equal among these. Those are taken off
// that met another event's by chance, if `less_chance`: as many as spoke in as long a while, somewhat earlier.
double MissesOf(const Hearing& hearing, const std::vector<std::uint64_t>& meeting, double within_s, bool less_chance) {
  constexpr std::size_t kLookedBack = 12;
  constexpr double kEarlier[] = {7.3, 11.9, 19.1};  // times the while
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> recent;
  std::size_t met = 0;
  std::size_t missed = 0;
  std::size_t spoke[std::size(kEarlier)] = {};
  for (std::uint32_t row = 0; row < hearing.table.row_count(); ++row) {
    std::vector<std::uint32_t>& rows = recent[meeting[row]];
    bool has_other = false;
    bool has_equal = false;
    bool has_earlier[std::size(kEarlier)] = {};
    for (const std::uint32_t other : rows) {
      if (hearing.source[other] == hearing.source[row]) continue;
      const double age_s = hearing.table.time_s[row] - hearing.table.time_s[other];
      for (std::size_t i = 0; i < std::size(kEarlier); ++i) {
        has_earlier[i] = has_earlier[i] || (age_s > kEarlier[i] * within_s && age_s <= (kEarlier[i] + 1) * within_s);
      }
      if (age_s > within_s) continue;
      has_other = true;
      has_equal = has_equal || hearing.keys[other] == hearing.keys[row];
    }
    if (has_other) (has_equal ? met : missed) += 1;
    if (!has_equal) {
      for (std::size_t i = 0; i < std::size(kEarlier); ++i) spoke[i] += has_earlier[i];
    }
    if (rows.size() == kLookedBack) rows.erase(rows.begin());
    rows.push_back(row);
  }
  if (less_chance) missed -= std::min(missed, *std::ranges::min_element(spoke));
  return ShareOf(missed, met + missed);
}

// Whether the time between two sides' messages wanders from event to event: then each goes by its own clock, and that
// they count alike is chance. How late a copy is has little to do with how late the last one was.
bool Wander(const Hearing& hearing) {
  constexpr std::size_t kPairsLeast = 20;
  constexpr double kWandering = 0.15;  // of 1, where one gap says nothing of the next
  struct Gaps {
    double last_s = 0;
    double sum_s = 0;
    double squares = 0;
    double steps = 0;  // squared
    std::size_t count = 0;
  };
  std::unordered_map<std::uint64_t, Gaps> of_sides;
  for (const auto& [earlier, later] : hearing.pairs) {
    const std::uint64_t from = hearing.source[earlier];
    const std::uint64_t to = hearing.source[later];
    if (from == to) continue;
    const double gap_s = (from < to ? 1 : -1) * (hearing.table.time_s[later] - hearing.table.time_s[earlier]);
    Gaps& gaps = of_sides[hearing.narrow[later] * 31 + (from + to)];
    if (gaps.count != 0) gaps.steps += (gap_s - gaps.last_s) * (gap_s - gaps.last_s);
    gaps.last_s = gap_s;
    gaps.sum_s += gap_s;
    gaps.squares += gap_s * gap_s;
    ++gaps.count;
  }
  std::size_t pair_count = 0;
  double steps = 0;
  double spread = 0;
  for (const auto& [sides, gaps] : of_sides) {
    if (gaps.count < kEventsLeast) continue;
    pair_count += gaps.count;
    steps += gaps.steps;
    spread += 2 * (gaps.squares - gaps.sum_s * gaps.sum_s / static_cast<double>(gaps.count));
  }
  return pair_count >= kPairsLeast && steps < kWandering * spread;
}

}  // namespace

Against Stages(const Hearing& hearing) {
  if (hearing.ignores_publisher_only)
    return std::nullopt;  // the same bytes on the same topic: an echo, whoever is first
  for (const std::size_t i : hearing.sources) {
    const Column& column = hearing.table.columns[i];
    if (CountsTries(column) || GrowsWithTheGap(hearing, column)) continue;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> orders;
    std::size_t different = 0;
    for (const auto& [earlier, later] : hearing.pairs) {
      const auto order = std::pair(column.values[earlier], column.values[later]);
      if (order.first == order.second) continue;
      ++orders[order];
      ++different;
    }
    std::size_t one_way = 0;
    for (const auto& [order, count] : orders) {
      const auto back = orders.find({order.second, order.first});
      const std::size_t back_count = back == orders.end() ? 0 : back->second;
      if (count >= kEventsLeastWithId && ShareOf(back_count, count + back_count) < 0.02) one_way += count;
    }
    if (different >= kEventsLeastWithId && ShareOf(different, hearing.pairs.size()) > 0.1 &&
        ShareOf(one_way, different) > 0.3) {
      return NameOf(column);
    }
  }
  return std::nullopt;
}

// A publisher that says on several topics what it says at once means each of them: lamps that are switched together,
// users that are told of an alarm. What several receivers heard comes from as many publishers.
Against FanOut(const Hearing& hearing) {
  const auto& columns = hearing.table.columns;
  const auto client = std::ranges::find(columns, Column::Place::kClient, &Column::place);
  if (client == columns.end()) return std::nullopt;
  std::size_t elsewhere = 0;  // pairs on two topics
  std::size_t from_one = 0;
  const Column* level = nullptr;
  for (const auto& [earlier, later] : hearing.pairs) {
    const auto differs = [&](std::size_t i) {
      return columns[i].place == Column::Place::kLevel && columns[i].values[earlier] != columns[i].values[later];
    };
    const auto differing = std::ranges::find_if(hearing.sources, differs);
    if (differing == hearing.sources.end()) continue;
    level = &columns[*differing];
    ++elsewhere;
    from_one += client->IsThere(earlier) && client->values[earlier] == client->values[later];
  }
  if (ShareOf(from_one, hearing.pairs.size()) <= 0.1 || ShareOf(from_one, elsewhere) <= 0.5) return std::nullopt;
  return NameOf(*level);
}

Against NotTheSame(const Hearing& hearing) {
  constexpr double kMissesMost = 0.15;
  if (hearing.sources.empty()) return std::nullopt;
  if (!hearing.has_random_identity && Wander(hearing)) return "";
  std::vector<std::uint64_t> scope = hearing.scope;
  for (const std::size_t i : hearing.kept) {
    const Column& column = hearing.table.columns[i];
    if (!LooksLikeDevice(column)) continue;
    for (std::size_t row = 0; row < scope.size(); ++row) scope[row] += HashOf(i, column.values[row]);
  }
  for (const std::size_t i : hearing.identities) {
    const Column& column = hearing.table.columns[i];
    if (column.IsSide()) continue;
    std::vector<std::uint64_t> meeting = scope;
    for (std::size_t row = 0; row < meeting.size(); ++row) meeting[row] += HashOf(i, column.values[row]);
    if (MissesOf(hearing, meeting, 1.5 * hearing.gap_max_s() + 0.1, false) > kMissesMost) return NameOf(column);
  }
  // Where many devices share a topic and none is named, others speak at the same moment.
  const double gap_s = QuantileOf(hearing.ages_s, 0.99);
  const bool is_quiet = QuantileOf(hearing.wide_stream.intervals_s, 0.5) > 5 * gap_s;
  if ((is_quiet || !(hearing.has_random_identity || hearing.has_random_payload)) &&
      MissesOf(hearing, scope, gap_s, true) > (hearing.identities.empty() ? 0.1 : kMissesMost)) {
    return "";
  }
  return std::nullopt;
}

}  // namespace dedup::command
