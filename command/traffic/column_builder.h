// Makes a table's columns, row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/traffic/column.h"

namespace dedup::command {

/// Knows of a column where it stands, which values it has, and whether they are numbers; what kind of thing it is is
/// found afterwards. Errors: std::bad_alloc.
class ColumnBuilder {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  explicit ColumnBuilder(std::size_t row_count) : row_count_(row_count) {}

  /// The number of the column for a place and a name (for a level, its number); kNone when there are too many columns.
  std::size_t ColumnFor(Column::Place place, std::string_view name, std::size_t level = 0);

  /// The value of a row, the first one of several. Two values are the same if type (n: number, l: true, false or null;
  /// else any letter) and text are. Values for kNone count together. `as_float`: what a number is if its bits are a
  /// float's.
  void Set(std::size_t row, std::size_t column_number, char type, std::string_view text,
           std::optional<double> as_float = {});

  /// After all values of a row.
  void EndRow(std::size_t row);

  /// All columns; the builder is of no use then.
  std::vector<Column> TakeColumns();

 private:
  const std::size_t row_count_;
  std::string key_;
  std::unordered_map<std::string, std::size_t> numbers_;                 // by place and name
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>> known_;  // by column: value by hash
  std::vector<std::vector<double>> floats_;                              // by column and value
  std::vector<Column> columns_;
  std::uint64_t rest_ = 0;  // hash of the row's values for kNone
};

}  // namespace dedup::command
