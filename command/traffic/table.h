// A group's messages as a table: a row a message, a column for each thing that can be a part of a key.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "command/capture/capture.h"
#include "command/traffic/column.h"
#include "command/traffic/grouping.h"

namespace dedup::command {

/// Rows are in order of time. Memory: about 4 bytes for each row and column, and 50 for each value.
struct Table {
  static constexpr std::size_t kRowsMax = 200'000;

  std::vector<double> time_s;       ///< by row
  std::vector<std::uint32_t> rows;  ///< by row: its message's number in the capture
  std::vector<Column> columns;
  bool has_clients = false;          ///< there is a column for the publisher
  bool has_repeated_fields = false;  ///< of protobuf: more than the columns show

  std::size_t row_count() const { return time_s.size(); }
  double seconds() const { return time_s.empty() ? 0 : time_s.back() - time_s.front(); }
};

/// The table of the group's first kRowsMax messages.
Table MakeTable(std::span<const Message> messages, const Group& group, bool has_clients);

}  // namespace dedup::command
