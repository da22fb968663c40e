// For each message the earlier one of which it is most likely a copy.
#pragma once

#include <cstdint>
#include <vector>

#include "command/traffic/table.h"

namespace dedup::command {

struct Pair {
  std::uint32_t earlier = 0;  ///< rows
  std::uint32_t later = 0;
  ColumnSet different;  ///< the columns in which they differ
};

/// For each row that has one, the earlier row that agrees with it in the most improbable values: of the last minute, or
/// older where they have a rare value in common. To agree in a value weighs the more the rarer it is; columns that say
/// the same share one weight. (Counting the members that differ finds the device's previous message instead.) Takes
/// time for rows × columns. A row in three has no partner worth having; whether a pair is one of copies is for others
/// to say.
std::vector<Pair> PartnersOf(const Table& table);

}  // namespace dedup::command
