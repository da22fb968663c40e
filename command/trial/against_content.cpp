// What differs within copies: what a receiver adds, or what an event is about.

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

// Rows of one stream, half of the stream's rows apart.
std::vector<RowPair> FarApart(const Hearing& hearing) {
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> streams;
  for (const std::uint32_t row : hearing.first_row) streams[hearing.narrow[row]].push_back(row);
  std::vector<RowPair> pairs;
  for (const auto& [stream, rows] : streams) {
    const std::size_t half = rows.size() / 2;
    for (std::size_t i = 0; half != 0 && i + half < rows.size(); ++i) pairs.emplace_back(rows[i], rows[i + half]);
  }
  return pairs;
}

}  // namespace

Against MostlyEqual(const Hearing& hearing) {
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    const Column& column = hearing.table.columns[i];
    if (!hearing.ignored[i] || column.is_constant || column.IsSide() || CountsTries(column)) continue;
    if (column.is_coarse && IsReadingOfClock(hearing, column)) continue;
    const double share = hearing.AgreementIn(hearing.pairs, i);
    const double chance = hearing.AgreementIn(hearing.next_of_any, i);
    const double slack = 2 * std::sqrt(chance * (1 - chance) / static_cast<double>(hearing.pairs.size()));
    if (share > 0.2 && share > chance + slack + (IsOfLink(column) ? 0.5 : 0.2) * (1 - chance)) return NameOf(column);
  }
  return std::nullopt;
}

Against Content(const Hearing& hearing) {
  if (hearing.next_of_side.size() < kEventsLeast) return std::nullopt;
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    const Column& column = hearing.table.columns[i];
    if (!hearing.ignored[i] || column.is_constant || column.is_time || CountsTries(column) || IsOfSide(hearing, column))
      continue;
    std::size_t pairs_of_side = 0;
    std::size_t different_of_side = 0;
    std::size_t different = 0;
    for (const auto& [earlier, later] : hearing.pairs) {
      const bool differs = column.values[earlier] != column.values[later];
      different += differs;
      if (hearing.side[earlier] != hearing.side[later]) continue;
      ++pairs_of_side;
      different_of_side += differs;
    }
    double changes = 1 - hearing.AgreementIn(hearing.next_of_side, i);
    // A receiver's name is another for each copy, and by chance another for the next event.
    if (std::find(hearing.sides.begin(), hearing.sides.end(), i) != hearing.sides.end()) {
      changes = 1 - hearing.AgreementIn(hearing.next_of_any, i);
    }
    if (pairs_of_side >= kEventsLeast) {
      const double within = ShareOf(different_of_side, pairs_of_side);
      if (within > 0.1 && changes < 0.5 * within) return NameOf(column);
    } else {
      const double within = ShareOf(different, hearing.pairs.size());
      if (within > 0.1 && changes < 0.3 * within) return NameOf(column);
    }
  }
  return std::nullopt;
}

// A measurement of the device goes its way from event to event, and another one of the same quantity follows it. Noise
// of a receiver does neither: two receivers differ by as much as two events do.
Against Measured(const Hearing& hearing) {
  const auto mean_step = [](const Column& column, const std::vector<RowPair>& pairs) {
    double sum = 0;
    std::size_t count = 0;
    for (const auto& [earlier, later] : pairs) {
      const double step =
          std::abs(column.value_number[column.values[later]] - column.value_number[column.values[earlier]]);
      if (std::isnan(step)) continue;
      sum += step;
      ++count;
    }
    return count < kEventsLeast ? std::optional<double>() : sum / static_cast<double>(count);
  };
  // What differs within pairs by little, and between other messages of the device by much, follows the device.
  constexpr double kFollows = 0.5;
  const std::vector<RowPair> far_apart = FarApart(hearing);
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    const Column& column = hearing.table.columns[i];
    if (!hearing.ignored[i] || column.is_constant || !column.has_numbers || column.is_time || column.is_counter ||
        column.is_random)
      continue;
    if (IsOfLink(column) || CountsTries(column) || GrowsWithTheGap(hearing, column) || IsOfSide(hearing, column))
      continue;
    const auto within = mean_step(column, hearing.pairs);
    const auto between = mean_step(column, hearing.next_of_side);
    if (!within || !between) continue;
    const auto apart = mean_step(column, far_apart);
    if (apart && *within < kFollows * *apart) return NameOf(column);
    const double most = hearing.pairs.size() < 30 ? 2.0 : 1.5;
    if (*within > most * *between || *between > most * *within) return NameOf(column);
  }
  return std::nullopt;
}

// An array may be of another length: all that stands in it counts as one member.
Against OtherKind(const Hearing& hearing) {
  std::set<std::string> parts;
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    const Column& column = hearing.table.columns[i];
    if (!hearing.ignored[i] || column.is_constant || IsOfSide(hearing, column)) continue;
    std::size_t flips = 0;
    for (const auto& [earlier, later] : hearing.pairs) flips += column.IsThere(earlier) != column.IsThere(later);
    if (ShareOf(flips, hearing.pairs.size()) > 0.05) parts.insert(OutermostArray(column.name));
  }
  return parts.size() >= 2 ? Against(*parts.begin()) : std::nullopt;
}

// One publisher's copies are equal but for the clock, a counter of tries and what it knows of its link.
Against TooMuch(const Hearing& hearing) {
  if (!hearing.sides.empty()) return std::nullopt;
  std::set<std::string> parts;
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    const Column& column = hearing.table.columns[i];
    if (hearing.ignored[i] && !column.is_constant && !column.is_time && !CountsTries(column))
      parts.insert(OutermostArray(column.name));
  }
  const std::size_t most = hearing.gap_max_s() <= 1.0 ? 5 : 2;
  return parts.size() > most ? Against(*parts.begin()) : std::nullopt;
}

// What else is in the key must change from event to event, or it says no more than the device and the clock do.
Against NothingElse(const Hearing& hearing) {
  if (hearing.ignored.none() || hearing.ignores_publisher_only) return std::nullopt;
  const std::vector<Column>& columns = hearing.table.columns;
  for (const std::size_t i : hearing.identities) {
    if (!columns[i].is_time) return std::nullopt;
  }
  for (const std::size_t i : hearing.kept) {
    if (columns[i].is_time || columns[i].IsSide() || LooksLikeDevice(columns[i])) continue;
    if (hearing.AgreementIn(hearing.next_in_topic, i) < 0.8) return std::nullopt;
  }
  return "";
}

}  // namespace dedup::command
