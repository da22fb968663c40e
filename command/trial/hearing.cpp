#include "command/trial/hearing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "command/traffic/member_names.h"

namespace dedup::command {
namespace {

using Place = Column::Place;

constexpr double kIntervalFloorS = 0.001;
constexpr std::size_t kEventsOfDevice = 12;  // at least, on average
constexpr std::uint32_t kLastEvents = 20;    // among which no two may have an identity's value

bool IsLasting(const Column& column) { return column.is_persistent && !column.is_time; }

}  // namespace

Hearing::Hearing(const Table& its_table, const ColumnSet& its_ignored, const std::vector<std::uint64_t>& its_keys,
                 const std::vector<std::uint32_t>& previous, double gap_max_s)
    : table(its_table), ignored(its_ignored), keys(its_keys) {
  MakeEvents(previous, gap_max_s);
  FindSides();
  FindStreams();
  FindNeighbours();
  FindIdentities();
}

void Hearing::MakeEvents(const std::vector<std::uint32_t>& previous, double gap_max_s) {
  event_of_row.resize(table.row_count());
  for (std::uint32_t row = 0; row < table.row_count(); ++row) {
    const std::uint32_t before = previous[row];
    if (before != kNone && table.time_s[row] - table.time_s[before] <= gap_max_s) {
      const std::uint32_t event = event_of_row[row] = event_of_row[before];
      ++size[event];
      pairs.emplace_back(before, row);
      ages_s.push_back(table.time_s[row] - table.time_s[first_row[event]]);
      continue;
    }
    if (before != kNone) repeats_s.push_back(table.time_s[row] - table.time_s[first_row[event_of_row[before]]]);
    event_of_row[row] = static_cast<std::uint32_t>(first_row.size());
    first_row.push_back(row);
    size.push_back(1);
  }
  repeated_count =
      static_cast<std::size_t>(std::count_if(size.begin(), size.end(), [](std::uint32_t n) { return n > 1; }));
  std::sort(ages_s.begin(), ages_s.end());
  std::sort(repeats_s.begin(), repeats_s.end());
}

void Hearing::AddTo(std::vector<std::uint64_t>* hashes, std::size_t column) const {
  const std::vector<std::uint32_t>& values = table.columns[column].values;
  for (std::size_t row = 0; row < values.size(); ++row) (*hashes)[row] += HashOf(column, values[row]);
}

bool Hearing::NamesReceivers(const Column& column) const {
  if (column.has_numbers) return false;
  std::size_t different = 0;
  for (const auto& [earlier, later] : pairs) different += column.values[earlier] != column.values[later];
  return ShareOf(different, pairs.size()) >= 0.97;
}

void Hearing::FindSides() {
  source.assign(table.row_count(), 0);
  side = source;
  ignores_delivery_only = true;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.is_constant) continue;
    ignores_delivery_only = ignores_delivery_only && (!ignored[i] || column.is_time || CountsTries(column));
    if (!ignored[i]) {
      kept.push_back(i);
    } else if (column.IsSide() || (IsLasting(column) && !CountsTries(column) && !IsOfLink(column))) {
      sources.push_back(i);
      AddTo(&source, i);
      if (!column.IsSide() && !NamesReceivers(column)) continue;
      sides.push_back(i);
      AddTo(&side, i);
    }
  }
  ignores_publisher_only =
      ignored.count() == 1 && !sides.empty() && table.columns[sides.front()].place == Place::kClient;
  std::size_t across = 0;
  for (const auto& [earlier, later] : pairs) across += source[earlier] != source[later];
  across_share = ShareOf(across, pairs.size());
}

void Hearing::FindStreams() {
  scope.assign(table.row_count(), 0);
  for (const std::size_t i : kept) {
    if (table.columns[i].place == Place::kLevel) AddTo(&scope, i);
  }
  wide = scope;
  for (const std::size_t i : kept) {
    if (table.columns[i].place == Place::kClient) AddTo(&wide, i);
  }
  device = wide;
  for (const std::size_t i : kept) {
    if (LooksLikeDevice(table.columns[i])) AddTo(&device, i);
  }
  narrow = device;
  // Lasting members name the device while that leaves each of them enough events; beyond it they are measurements.
  std::vector<std::size_t> lasting;
  for (const std::size_t i : kept) {
    const Column& column = table.columns[i];
    if (!column.IsSide() && IsLasting(column) && !LooksLikeDevice(column) && !IsOfLink(column)) lasting.push_back(i);
  }
  std::stable_sort(lasting.begin(), lasting.end(), [this](std::size_t a, std::size_t b) {
    return table.columns[a].distinct_count < table.columns[b].distinct_count;
  });
  for (const std::size_t i : lasting) {
    std::vector<std::uint64_t> narrower = narrow;
    AddTo(&narrower, i);
    std::unordered_set<std::uint64_t> streams;
    for (const std::uint32_t row : first_row) streams.insert(narrower[row]);
    if (streams.size() * kEventsOfDevice <= first_row.size()) narrow = std::move(narrower);
  }
  wide_stream = StreamOf(wide);
  narrow_stream = StreamOf(narrow);
}

Stream Hearing::StreamOf(const std::vector<std::uint64_t>& stream) const {
  struct Tally {
    std::uint32_t last = kNone;
    double sum = 0;
    double squares = 0;
    std::size_t count = 0;
  };
  Stream result;
  std::unordered_map<std::uint64_t, Tally> tallies;
  for (const std::uint32_t row : first_row) {
    Tally& tally = tallies[stream[row]];
    if (tally.last != kNone) {
      const double interval = table.time_s[row] - table.time_s[tally.last];
      result.intervals_s.push_back(interval);
      result.same_count += keys[row] == keys[tally.last];
      tally.sum += interval;
      tally.squares += interval * interval;
      ++tally.count;
    }
    tally.last = row;
  }
  double weight = 0;
  for (const auto& [id, tally] : tallies) {
    if (tally.count < 3 || tally.sum <= 0) continue;
    const auto n = static_cast<double>(tally.count);
    const double mean = tally.sum / n;
    result.variation += n * std::sqrt(std::max(0.0, tally.squares / n - mean * mean)) / mean;
    weight += n;
  }
  if (weight > 0) result.variation /= weight;
  std::sort(result.intervals_s.begin(), result.intervals_s.end());
  return result;
}

void Hearing::FindNeighbours() {
  std::unordered_map<std::uint64_t, std::uint32_t> last_of_side;
  std::unordered_map<std::uint64_t, std::uint32_t> last_of_any;
  std::unordered_map<std::uint64_t, std::uint32_t> last_in_topic;
  std::unordered_map<std::uint64_t, std::uint32_t> events_of_stream;
  std::vector<std::uint32_t> number_of_row(table.row_count());  // how many events its stream had begun
  for (std::uint32_t row = 0; row < table.row_count(); ++row) {
    const auto [of_side, is_first_of_side] = last_of_side.try_emplace(narrow[row] * 31 + side[row], row);
    if (!is_first_of_side) {
      if (event_of_row[of_side->second] != event_of_row[row]) next_of_side.emplace_back(of_side->second, row);
      of_side->second = row;
    }
    std::uint32_t& number = events_of_stream[narrow[row]];
    const bool begins = first_row[event_of_row[row]] == row;
    number_of_row[row] = number += begins;
    if (!begins) continue;
    const auto [of_any, is_first] = last_of_any.try_emplace(narrow[row], row);
    if (!is_first) next_of_any.emplace_back(std::exchange(of_any->second, row), row);
    const auto [in_topic, is_first_in_topic] = last_in_topic.try_emplace(wide[row], row);
    if (!is_first_in_topic) next_in_topic.emplace_back(std::exchange(in_topic->second, row), row);
  }
  overtaken.reserve(pairs.size());
  for (const auto& [earlier, later] : pairs) overtaken.push_back(number_of_row[later] - number_of_row[earlier]);
  std::sort(overtaken.begin(), overtaken.end());
}

void Hearing::FindIdentities() {
  // Share of events whose value one of the last events of their stream had too.
  const auto repeats_value = [this](auto value_of) {
    std::unordered_map<std::uint64_t, std::uint32_t> count;
    std::unordered_map<std::uint64_t, std::uint32_t> seen;
    std::size_t repeated = 0;
    for (const std::uint32_t row : first_row) {
      const std::uint32_t now = ++count[device[row]];
      std::uint32_t& before = seen[device[row] * 31 + value_of(row)];
      repeated += before != 0 && now - before <= kLastEvents;
      before = now;
    }
    return ShareOf(repeated, first_row.size());
  };
  // Share of events whose value another event had within the last minute: then it is a clock's tick that all share.
  const auto is_shared = [this](const Column& column) {
    std::unordered_map<std::uint32_t, std::uint32_t> last;
    std::size_t shared = 0;
    for (const std::uint32_t row : first_row) {
      const auto [place, is_new] = last.try_emplace(column.values[row], row);
      if (is_new) continue;
      shared += keys[place->second] != keys[row] && table.time_s[row] - table.time_s[place->second] < 60;
      place->second = row;
    }
    return ShareOf(shared, first_row.size()) > 0.3;
  };
  for (const std::size_t i : kept) {
    const Column& column = table.columns[i];
    if (!column.is_random && !column.is_time && !column.is_fleeting && !column.is_counter) continue;
    if (repeats_value([&](std::uint32_t row) { return HashOf(i, column.values[row]); }) > 0.01) continue;
    if (!sources.empty() && is_shared(column)) continue;
    identities.push_back(i);
    const bool is_random = column.is_random && column.place != Place::kPayload;  // a text may be no more than readings
    has_random_payload = has_random_payload || (column.is_random && !is_random);
    has_random_identity = has_random_identity || is_random;
    has_sure_identity = has_sure_identity || is_random || column.is_time;
  }
  std::stable_sort(identities.begin(), identities.end(), [this](std::size_t a, std::size_t b) {
    const auto rank = [this](std::size_t i) {
      const Column& column = table.columns[i];
      return column.is_random ? 0 : column.is_counter ? 1 : column.is_time ? 2 : 3;
    };
    return rank(a) < rank(b);
  });
  is_own_whole = repeats_value([this](std::uint32_t row) { return keys[row]; }) <= 0.002;
}

double Hearing::interval_s() const { return std::max(QuantileOf(narrow_stream.intervals_s, 0.5), kIntervalFloorS); }

RowPair Hearing::NearestApart() const {
  RowPair nearest = {0, 0};
  double least_s = std::numeric_limits<double>::infinity();
  bool has_key = false;
  const auto compare = [&](std::uint32_t earlier, std::uint32_t later, bool is_same_key) {
    const double apart_s = table.time_s[later] - table.time_s[earlier];
    if (has_key && !is_same_key) return;
    if (is_same_key == has_key && apart_s >= least_s) return;
    has_key = is_same_key;
    least_s = apart_s;
    nearest = {earlier, later};
  };
  std::unordered_map<std::uint64_t, std::uint32_t> last;
  for (const std::uint32_t row : first_row) {
    const auto [place, is_new] = last.try_emplace(keys[row], row);
    if (!is_new) compare(std::exchange(place->second, row), row, true);
  }
  for (const auto& [earlier, later] : next_of_any) compare(earlier, later, false);
  return nearest;
}

double Hearing::AgreementIn(const std::vector<RowPair>& some, std::size_t column) const {
  const std::vector<std::uint32_t>& values = table.columns[column].values;
  std::size_t same = 0;
  for (const auto& [earlier, later] : some) same += values[earlier] == values[later];
  return ShareOf(same, some.size());
}

}  // namespace dedup::command
