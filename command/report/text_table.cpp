#include "command/report/text_table.h"

#include <algorithm>
#include <utility>

namespace dedup::command {
namespace {

// Of numbers, and of "-", which stands for none.
bool IsNumber(std::string_view text) {
  return !text.empty() && (text == "-" || text.find_first_not_of("0123456789.,>= %") == std::string_view::npos);
}

}  // namespace

std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

TextTable::TextTable(std::vector<std::string> heads) : rows_{std::move(heads)} {}

std::string TextTable::Text() const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> are_numbers(columns, rows_.size() > 1);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], WidthOf(row[i]));
      if (&row != &rows_.front() && !IsNumber(row[i])) are_numbers[i] = false;
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string blanks(widths[i] - WidthOf(row[i]), ' ');
      if (i > 0) line += "  ";
      if (are_numbers[i]) {
        line += blanks + row[i];
      } else {
        line += row[i] + blanks;
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace dedup::command
