#include "command/trial/candidates.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace dedup::command {
namespace {

constexpr std::size_t kFrequentMax = 10;
constexpr std::size_t kUnitedMax = 6;
constexpr std::size_t kPairsLeast = 4;  // of a set, or of a column that agrees
constexpr double kShares[] = {0.01, 0.05, 0.2};

// What pairs differ in that agree in one column, in so many of them at least.
void AddAnchored(const Table& table, std::span<const Pair> pairs, std::size_t anchor,
                 std::unordered_set<ColumnSet>* found) {
  std::vector<std::size_t> different(table.columns.size(), 0);
  std::size_t count = 0;
  for (const Pair& pair : pairs) {
    if (pair.different[anchor] || !table.columns[anchor].IsThere(pair.later)) continue;
    ++count;
    for (std::size_t column = 0; column < table.columns.size(); ++column) different[column] += pair.different[column];
  }
  if (count < kPairsLeast) return;
  for (const double share : kShares) {
    ColumnSet set;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      set[column] = static_cast<double>(different[column]) > share * static_cast<double>(count);
    }
    found->insert(set);
  }
}

// An id in the topic is the message's or the device's; nobody's copies differ in it.
bool IsAllowed(const Table& table, const ColumnSet& set) {
  std::size_t levels = 0;
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    if (!set[column]) continue;
    const Column& it = table.columns[column];
    if (it.place == Column::Place::kRest || it.place == Column::Place::kPayload) return false;
    if (it.place == Column::Place::kLevel) {
      ++levels;
      if (!it.is_persistent) return false;
    }
  }
  return levels <= 2;
}

}  // namespace

std::vector<ColumnSet> CandidatesOf(const Table& table, std::span<const Pair> pairs) {
  std::unordered_map<ColumnSet, std::size_t> counts;
  for (const Pair& pair : pairs) ++counts[pair.different];
  std::vector<std::pair<std::size_t, ColumnSet>> frequent;
  for (const auto& [set, count] : counts) {
    if (count >= kPairsLeast && IsAllowed(table, set)) frequent.emplace_back(count, set);
  }
  std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.to_string() < b.second.to_string();
  });
  if (frequent.size() > kFrequentMax) frequent.resize(kFrequentMax);

  std::unordered_set<ColumnSet> found = {ColumnSet()};
  ColumnSet all;
  for (std::size_t i = 0; i < frequent.size(); ++i) {
    found.insert(frequent[i].second);
    all |= frequent[i].second;
    found.insert(all);
    for (std::size_t j = 0; j < i && i < kUnitedMax; ++j) found.insert(frequent[i].second | frequent[j].second);
  }
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    const Column& anchor = table.columns[column];
    if (anchor.is_constant) continue;
    if (anchor.is_random || anchor.is_time || !anchor.is_persistent) AddAnchored(table, pairs, column, &found);
    if (anchor.place == Column::Place::kClient) found.insert(ColumnSet().set(column));
  }
  std::vector<ColumnSet> sets;
  for (const ColumnSet& set : found) {
    if (IsAllowed(table, set)) sets.push_back(set);
  }
  std::sort(sets.begin(), sets.end(), [](const ColumnSet& a, const ColumnSet& b) {
    return a.count() != b.count() ? a.count() < b.count() : a.to_string() < b.to_string();
  });
  return sets;
}

}  // namespace dedup::command
