#include "command/traffic/column_builder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "command/capture/instant.h"

namespace dedup::command {
namespace {

constexpr double kMostly = 0.9;

std::uint64_t HashOfText(char type, std::string_view text) {
  return std::hash<std::string_view>{}(text)*0x9E3779B97F4A7C15 ^ static_cast<unsigned char>(type);
}

// Whether the values are floats rather than integers or moments: nearly all have the exponent of a measurement.
void TakeForFloats(const std::vector<double>& floats, Column* column) {
  if (floats.empty() || floats.size() + 1 != column->value_count.size()) return;
  const auto is_measurement = [](double number) {
    return number == 0 || (std::abs(number) > 1e-6 && std::abs(number) < 1e12);
  };
  const auto count = std::ranges::count_if(floats, is_measurement);
  if (static_cast<double>(count) < kMostly * static_cast<double>(floats.size())) return;
  column->has_fractions = true;
  std::ranges::copy(floats, column->value_number.begin() + 1);
}

}  // namespace

std::size_t ColumnBuilder::ColumnFor(Column::Place place, std::string_view name, std::size_t level) {
  key_.assign(1, static_cast<char>('0' + static_cast<int>(place)));
  key_ += name;
  if (place == Column::Place::kLevel) key_ += std::to_string(level);
  const auto [column, is_new] = numbers_.try_emplace(key_, columns_.size());
  if (is_new) {
    if (columns_.size() >= kColumnsMax - 1 && place != Column::Place::kRest) {
      numbers_.erase(column);
      return kNone;
    }
    columns_.emplace_back();
    columns_.back().place = place;
    columns_.back().name = name;
    columns_.back().level = level;
    columns_.back().values.assign(row_count_, 0);
    columns_.back().value_count = {0};
    columns_.back().value_number = {std::numeric_limits<double>::quiet_NaN()};
    columns_.back().value_size = {0};
    known_.emplace_back();
    floats_.emplace_back();
  }
  return column->second;
}

void ColumnBuilder::Set(std::size_t row, std::size_t column_number, char type, std::string_view text,
                        std::optional<double> as_float) {
  const std::uint64_t hash = HashOfText(type, text);
  if (column_number == kNone) {
    rest_ = (rest_ ^ hash) * 0xD6E8FEB86659FD93;
    return;
  }
  Column& column = columns_[column_number];
  if (column.values[row] != 0) return;  // the first one counts
  const auto [value, is_new] =
      known_[column_number].try_emplace(hash, static_cast<std::uint32_t>(column.value_count.size()));
  if (is_new) {
    column.value_count.push_back(0);
    const auto number = NumberOf(text);
    const auto instant = number && text.size() != 14 ? std::nullopt : InstantOf(text);
    column.value_number.push_back(instant ? *instant : number ? *number : std::numeric_limits<double>::quiet_NaN());
    column.value_size.push_back(static_cast<std::uint32_t>(text.size()));
    if (as_float) floats_[column_number].push_back(*as_float);
  }
  column.has_numbers = column.has_numbers || type == 'n' || type == 'l';
  column.has_fractions = column.has_fractions || (type == 'n' && text.find_first_of(".eE") != std::string_view::npos);
  column.values[row] = value->second;
  ++column.value_count[value->second];
}

void ColumnBuilder::EndRow(std::size_t row) {
  if (rest_ == 0) return;
  const std::uint64_t rest = std::exchange(rest_, 0);
  Set(row, ColumnFor(Column::Place::kRest, ""), 'r',
      std::string_view(reinterpret_cast<const char*>(&rest), sizeof rest));
}

std::vector<Column> ColumnBuilder::TakeColumns() {
  for (std::size_t i = 0; i < columns_.size(); ++i) TakeForFloats(floats_[i], &columns_[i]);
  return std::move(columns_);
}

}  // namespace dedup::command
