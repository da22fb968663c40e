#include "command/traffic/column_kinds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "command/traffic/member_names.h"

namespace dedup::command {
namespace {

constexpr double kLastsLong = 0.5;  // of the capture, from a value's first row to its last
constexpr double kMostRows = 0.7;
constexpr double kClockSlackS = 90;          // by which a device's clock may wander or a message be late
constexpr double kSoonGone = 0.1;            // of the capture
constexpr double kRandomRows = 0.98;         // that have a value which is soon gone: no other event meets it by chance
constexpr std::uint32_t kRandomSizeMin = 8;  // characters

// Whether numbers grow as time does: seconds, or thousandths and so on of them, which `scale` then says.
bool FollowsClock(const Table& table, const Column& column, std::span<const std::uint32_t> stream_of_row,
                  std::size_t stream_count, double* scale_found) {
  const double duration_s = table.seconds();
  if (duration_s <= 0 || column.distinct_count < 5) return false;
  const std::size_t step = std::max<std::size_t>(1, table.row_count() / 4000);
  for (const double scale : {1.0, 1e3, 1e6, 1e9}) {
    // A clock's own offset is the stream's: devices count from their last start.
    std::vector<double> offset(stream_count, std::numeric_limits<double>::quiet_NaN());
    std::size_t looked_at = 0;
    std::size_t late = 0;
    double least = std::numeric_limits<double>::infinity();
    double most = -least;
    for (std::size_t row = 0; row < table.row_count(); row += step) {
      if (!column.IsThere(row)) continue;
      const double value = column.value_number[column.values[row]] / scale;
      if (std::isnan(value)) return false;
      const double ahead = value - table.time_s[row];
      double& expected = offset[stream_of_row[row]];
      if (std::isnan(expected)) expected = ahead;
      ++looked_at;
      late += std::abs(ahead - expected) > std::min(kClockSlackS, 0.1 * duration_s);
      least = std::min(least, value - expected);
      most = std::max(most, value - expected);
    }
    if (looked_at >= 5 && static_cast<double>(late) < 0.1 * static_cast<double>(looked_at) &&
        most - least > 0.5 * duration_s) {
      *scale_found = scale;
      return true;
    }
  }
  return false;
}

// Whether it steps up by a little in most topics; back to a small number now and then.
bool Counts(const Column& column, std::span<const std::uint32_t> stream_of_row, std::size_t stream_count) {
  std::vector<double> last(stream_count, std::numeric_limits<double>::quiet_NaN());
  std::size_t steps = 0;
  std::size_t up = 0;
  for (std::size_t row = 0; row < column.values.size(); ++row) {
    double value = column.values[row] == 0 ? 0 : column.value_number[column.values[row]];  // absent counts as 0
    if (std::isnan(value)) return false;
    double& before = last[stream_of_row[row]];
    if (!std::isnan(before) && value != before) {
      ++steps;
      up += value - before > 0 && value - before <= 5;
    }
    before = value;
  }
  return steps >= 5 && static_cast<double>(up) >= 0.6 * static_cast<double>(steps);
}

void FindKind(const Table& table, Column* column) {
  const std::size_t row_count = table.row_count();
  std::vector<std::uint32_t> first(column->value_count.size(), UINT32_MAX);
  std::vector<std::uint32_t> last(column->value_count.size(), 0);
  for (std::uint32_t row = 0; row < row_count; ++row) {
    const std::uint32_t value = column->values[row];
    if (first[value] == UINT32_MAX) first[value] = row;
    last[value] = row;
  }
  column->value_count[0] = 0;
  for (const std::uint32_t value : column->values) column->value_count[0] += value == 0;
  column->distinct_count = column->value_count.size() - 1 + (column->value_count[0] != 0);
  column->is_constant = column->distinct_count <= 1;

  const double duration_s = table.seconds();
  std::size_t lasting_rows = 0;
  std::size_t fleeting_rows = 0;
  std::size_t long_rows = 0;
  for (std::size_t value = 0; value < column->value_count.size(); ++value) {
    if (column->value_count[value] == 0) continue;
    const double lifetime_s = table.time_s[last[value]] - table.time_s[first[value]];
    if (lifetime_s >= kLastsLong * duration_s && column->value_count[value] >= 3) {
      lasting_rows += column->value_count[value];
    }
    if (lifetime_s <= kSoonGone * duration_s) fleeting_rows += column->value_count[value];
    if (column->value_size[value] >= kRandomSizeMin) long_rows += column->value_count[value];
  }
  const auto rows = static_cast<double>(row_count);
  column->is_persistent = static_cast<double>(lasting_rows) >= kMostRows * rows &&
                          static_cast<double>(column->distinct_count) <= std::max(2.0, rows / 6);
  column->is_fleeting = column->distinct_count >= 5 && static_cast<double>(fleeting_rows) >= 0.8 * rows;
  column->is_random = !column->has_fractions && column->distinct_count >= 5 &&
                      static_cast<double>(column->distinct_count) >= 0.1 * rows &&
                      static_cast<double>(fleeting_rows) >= kRandomRows * rows &&
                      static_cast<double>(long_rows) >= 0.9 * rows;
}

// Rows that are one after the other in a topic, or of one device that a member or the publisher's id names.
struct Streams {
  std::span<const std::uint32_t> of_row;
  std::size_t count;
};

std::vector<Streams> StreamsOf(const Table& table, const std::vector<std::uint32_t>& topic_of_row,
                               std::size_t topic_count) {
  constexpr std::size_t kNamesMax = 6;
  std::vector<Streams> streams = {{topic_of_row, topic_count}};
  for (const Column& column : table.columns) {
    if (column.is_constant || column.place == Column::Place::kLevel || streams.size() > kNamesMax) continue;
    if (column.place == Column::Place::kClient || LooksLikeDevice(column))
      streams.push_back({column.values, column.value_count.size()});
  }
  return streams;
}

// What depends on the order of its values: a clock, a counter, something long and random.
void FindOrder(const Table& table, const std::vector<Streams>& streams, Column* column) {
  if (column->is_constant) return;
  const auto is_any = [&](auto holds) { return std::any_of(streams.begin(), streams.end(), holds); };
  double scale = 0;
  column->is_time =
      is_any([&](const Streams& each) { return FollowsClock(table, *column, each.of_row, each.count, &scale); });
  column->is_coarse = column->is_time && scale == 1.0 &&
                      std::all_of(column->value_number.begin() + 1, column->value_number.end(),
                                  [](double number) { return std::isnan(number) || number == std::floor(number); });
  column->is_counter =
      !column->has_fractions && is_any([&](const Streams& each) { return Counts(*column, each.of_row, each.count); });
  column->is_random = column->is_random && !column->is_time;
}

}  // namespace

void FindKinds(const std::vector<std::uint32_t>& topic_of_row, std::size_t topic_count, Table* table) {
  for (Column& column : table->columns) FindKind(*table, &column);
  const std::vector<Streams> streams = StreamsOf(*table, topic_of_row, topic_count);
  for (Column& column : table->columns) FindOrder(*table, streams, &column);
}

}  // namespace dedup::command
