// When the copies come: sooner than the device says something else, or not.

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

// Whether one publisher's repeats come as regularly as its messages do: then it says again what has not changed. Where
// its clock is ignored, it is enough that none comes sooner.
bool KeepThePace(const Hearing& hearing) {
  constexpr double kAlike = 0.35;
  std::vector<double> to_copy_s;
  std::vector<double> to_event_s;
  std::unordered_map<std::uint64_t, std::uint32_t> last;
  for (std::uint32_t row = 0; row < hearing.table.row_count(); ++row) {
    const auto [place, is_new] = last.try_emplace(hearing.narrow[row], row);
    if (is_new) continue;
    const double gap_s = hearing.table.time_s[row] - hearing.table.time_s[std::exchange(place->second, row)];
    const bool begins = hearing.first_row[hearing.event_of_row[row]] == row;
    (begins ? to_event_s : to_copy_s).push_back(gap_s);
  }
  if (to_copy_s.size() < kEventsLeastWithId || to_event_s.size() < kEventsLeastWithId) return false;
  std::sort(to_copy_s.begin(), to_copy_s.end());
  std::sort(to_event_s.begin(), to_event_s.end());
  const auto ratio = [&](double q) { return QuantileOf(to_copy_s, q) / std::max(QuantileOf(to_event_s, q), 0.001); };
  if (IgnoresTime(hearing) && ratio(0.05) >= 0.8 && ratio(0.5) >= 0.4) return true;
  const bool is_regular =
      QuantileOf(to_event_s, 0.75) - QuantileOf(to_event_s, 0.25) < 0.5 * QuantileOf(to_event_s, 0.5);
  return is_regular && std::ranges::all_of(std::initializer_list<double>{0.25, 0.5, 0.75},
                                           [&](double q) { return std::abs(ratio(q) - 1) <= kAlike; });
}

}  // namespace

// As many repeats as there would be if events met by chance are no copies. Of a clock in whole seconds it is chance to
// have read the same.
Against ByChance(const Hearing& hearing) {
  constexpr double kTimesMore = 3;
  constexpr double kWider = 10;
  std::vector<std::uint64_t> keys = hearing.keys;
  bool has_coarse = false;
  for (const std::size_t i : hearing.kept) {
    const Column& column = hearing.table.columns[i];
    if (!column.is_coarse) continue;
    has_coarse = true;
    for (std::size_t row = 0; row < keys.size(); ++row) keys[row] -= HashOf(i, column.values[row]);
  }
  const double within_s = has_coarse ? 1.0 : std::max(hearing.gap_max_s(), 0.01);
  std::unordered_map<std::uint64_t, std::uint32_t> last;
  std::size_t near = 0;
  for (const std::uint32_t row : hearing.first_row) {
    const auto [place, is_new] = last.try_emplace(keys[row], row);
    if (is_new) continue;
    near += hearing.table.time_s[row] - hearing.table.time_s[std::exchange(place->second, row)] <= kWider * within_s;
  }
  const double share = std::min(0.999, ShareOf(near, hearing.event_count()));
  const double expected = static_cast<double>(hearing.event_count()) * (1 - std::pow(1 - share, 1 / kWider));
  return static_cast<double>(hearing.pairs.size()) < kTimesMore * expected ? Against("") : std::nullopt;
}

Against TimeIgnored(const Hearing& hearing) {
  if (hearing.has_random_identity || QuantileOf(hearing.ages_s, 0.99) <= 0.2 * hearing.interval_s())
    return std::nullopt;
  // One publisher that counts its events, or says when they were, and only says anew when it sends.
  if (hearing.sides.empty() && (hearing.has_sure_identity || HasCounter(hearing))) return std::nullopt;
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    if (hearing.ignored[i] && hearing.table.columns[i].is_time) return NameOf(hearing.table.columns[i]);
  }
  return std::nullopt;
}

Against StateAgain(const Hearing& hearing) {
  const bool has_time = std::ranges::any_of(hearing.identities,
                                            [&](std::size_t column) { return hearing.table.columns[column].is_time; });
  if (hearing.sides.empty() && !hearing.has_random_identity && !has_time && KeepThePace(hearing)) return "";
  if (!hearing.identities.empty() || hearing.is_own_whole) return std::nullopt;
  if (hearing.across_share >= 0.9) {
    if (hearing.narrow_stream.variation < 0.5 && hearing.narrow_stream.SameShare() > 0.95) return "";
  } else if (std::max(hearing.narrow_stream.SameShare(), hearing.wide_stream.SameShare()) >= 0.1 &&
             hearing.gap_max_s() > 0.5) {
    return "";
  }
  return std::nullopt;
}

Against NoGap(const Hearing& hearing) {
  if (hearing.identities.empty() && hearing.gap_max_s() > 0.3 * hearing.interval_s()) return "";
  // What agrees by chance does so at any distance.
  if (!(hearing.ignored.none() && hearing.has_sure_identity) && !hearing.has_random_identity &&
      QuantileOf(hearing.ages_s, 0.99) > 0.1 * hearing.table.seconds()) {
    return "";
  }
  // Without an id copies are not overtaken by what the device says next.
  const std::uint32_t most = hearing.sides.empty() && (hearing.has_sure_identity || HasCounter(hearing)) ? 20 : 5;
  if (hearing.ignored.any() && !hearing.has_random_identity &&
      hearing.overtaken[static_cast<std::size_t>(0.9 * static_cast<double>(hearing.overtaken.size() - 1))] > most) {
    return "";
  }
  return std::nullopt;
}

}  // namespace dedup::command
