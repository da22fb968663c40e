// What kind of thing a column is: a device, a clock, a counter, chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "command/traffic/table.h"

namespace dedup::command {

/// Fills in the part of each column that says so. `topic_of_row`: the number of each row's topic.
/// Errors: std::bad_alloc.
void FindKinds(const std::vector<std::uint32_t>& topic_of_row, std::size_t topic_count, Table* table);

}  // namespace dedup::command
