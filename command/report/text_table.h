// Columns under each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dedup::command {

/// Rows of texts. A column whose cells are all numbers, or "-" for none, stands to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heads);

  /// As many cells as there are heads.
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  /// A line of heads, and one for each row.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the heads first
};

/// How many characters of UTF-8 a text has.
std::size_t WidthOf(std::string_view text);

}  // namespace dedup::command
