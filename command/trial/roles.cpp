#include "command/trial/roles.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace dedup::command {

bool IsReadingOfClock(const Hearing& hearing, const Column& column) {
  if (!column.is_time) return false;
  std::size_t read = 0;
  for (const auto& [earlier, later] : hearing.pairs) {
    const double a = column.value_number[column.values[earlier]];
    const double b = column.value_number[column.values[later]];
    const double gap_s = hearing.table.time_s[later] - hearing.table.time_s[earlier];
    for (const double scale : {1.0, 1e3, 1e6, 1e9}) {
      if (std::abs((b - a) / scale - gap_s) > 0.2 * gap_s + 1.01) continue;
      ++read;
      break;
    }
  }
  return ShareOf(read, hearing.pairs.size()) >= 0.9;
}

bool GrowsWithTheGap(const Hearing& hearing, const Column& column) {
  std::size_t grown = 0;
  for (const auto& [earlier, later] : hearing.pairs) {
    const double growth = column.value_number[column.values[later]] - column.value_number[column.values[earlier]];
    const double gap_s = hearing.table.time_s[later] - hearing.table.time_s[earlier];
    grown += std::abs(growth - gap_s) <= 0.3 * gap_s + 0.11 || std::abs(growth / 1000 - gap_s) <= 0.3 * gap_s;
  }
  return ShareOf(grown, hearing.pairs.size()) >= 0.9;
}

bool IsOfSide(const Hearing& hearing, const Column& column) {
  if (column.IsSide()) return true;
  if (hearing.sides.empty()) return false;
  std::unordered_map<std::uint64_t, std::uint32_t> last;
  std::size_t compared = 0;
  std::size_t same = 0;
  for (std::uint32_t row = 0; row < hearing.table.row_count(); ++row) {
    const auto [place, is_new] = last.try_emplace(hearing.side[row], row);
    if (is_new) continue;
    ++compared;
    same += column.values[std::exchange(place->second, row)] == column.values[row];
  }
  return ShareOf(same, compared) >= 0.9;
}

bool HasCounter(const Hearing& hearing) {
  return std::any_of(hearing.identities.begin(), hearing.identities.end(),
                     [&](std::size_t i) { return hearing.table.columns[i].is_counter; });
}

bool IgnoresTime(const Hearing& hearing) {
  for (std::size_t i = 0; i < hearing.table.columns.size(); ++i) {
    if (hearing.ignored[i] && hearing.table.columns[i].is_time) return true;
  }
  return false;
}

}  // namespace dedup::command
