#include "command/trial/partners.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace dedup::command {
namespace {

constexpr double kNearS = 60;
constexpr std::uint32_t kRare = 8;        // rows that have a value which is worth a longer look back
constexpr std::uint32_t kRemembered = 4;  // rows by value

// The last rows that had a value.
struct Recent {
  std::array<std::uint32_t, kRemembered> rows;
  std::uint32_t count = 0;
};

// What one column's values weigh if they agree, by value.
std::vector<std::vector<float>> WeightsOf(const Table& table) {
  // Columns that part the rows in the same way say the same.
  std::map<std::uint64_t, std::size_t> alike;
  std::vector<std::uint64_t> partition(table.columns.size());
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    std::vector<std::uint32_t> first(column.value_count.size(), 0);
    std::uint64_t hash = 0;
    std::uint32_t next = 0;
    for (const std::uint32_t value : column.values) {
      if (first[value] == 0) first[value] = ++next;
      hash = HashOf(0, first[value]) ^ hash * 0x9E3779B97F4A7C15;
    }
    partition[i] = hash;
    ++alike[hash];
  }
  std::vector<std::vector<float>> weights(table.columns.size());
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const double share = 1.0 / static_cast<double>(alike[partition[i]]);
    weights[i].resize(column.value_count.size(), 0);
    if (column.is_constant) continue;
    for (std::size_t value = 0; value < column.value_count.size(); ++value) {
      if (column.value_count[value] == 0) continue;
      weights[i][value] = static_cast<float>(
          share * std::log(static_cast<double>(table.row_count()) / static_cast<double>(column.value_count[value])));
    }
  }
  return weights;
}

}  // namespace

std::vector<Pair> PartnersOf(const Table& table) {
  const auto weights = WeightsOf(table);
  std::vector<std::size_t> varying;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].is_constant) varying.push_back(i);
  }
  std::vector<std::vector<Recent>> recent(table.columns.size());
  for (const std::size_t column : varying) recent[column].resize(table.columns[column].value_count.size());

  std::vector<Pair> pairs;
  std::vector<std::uint32_t> asked_for(table.row_count(), UINT32_MAX);
  for (std::uint32_t row = 0; row < table.row_count(); ++row) {
    float best_weight = 0;
    std::uint32_t best = UINT32_MAX;
    for (const std::size_t column : varying) {
      const std::uint32_t value = table.columns[column].values[row];
      if (value == 0) continue;
      const Recent& rows = recent[column][value];
      const bool is_rare = table.columns[column].value_count[value] <= kRare;
      for (std::uint32_t i = 0; i < std::min(rows.count, kRemembered); ++i) {
        const std::uint32_t other = rows.rows[i];
        if (asked_for[other] == row) continue;
        if (!is_rare && table.time_s[row] - table.time_s[other] > kNearS) continue;
        asked_for[other] = row;
        float weight = 0;
        for (const std::size_t each : varying) {
          const std::uint32_t its_value = table.columns[each].values[row];
          if (its_value == table.columns[each].values[other]) weight += weights[each][its_value];
        }
        if (weight > best_weight || (weight == best_weight && best != UINT32_MAX && other > best)) {
          best_weight = weight;
          best = other;
        }
      }
    }
    if (best != UINT32_MAX) {
      Pair pair{best, row, {}};
      for (const std::size_t column : varying) {
        pair.different[column] = table.columns[column].values[row] != table.columns[column].values[best];
      }
      pairs.push_back(pair);
    }
    for (const std::size_t column : varying) {
      Recent& rows = recent[column][table.columns[column].values[row]];
      rows.rows[rows.count % kRemembered] = row;
      ++rows.count;
      if (rows.count >= 2 * kRemembered) rows.count -= kRemembered;
    }
  }
  return pairs;
}

}  // namespace dedup::command
