#include "command/trial/trial.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace dedup::command {
namespace {

constexpr std::size_t kGapsLeast = 5;
constexpr double kGapFloorS = 0.01;
constexpr double kWindowMinS = 0.1;
constexpr double kRiskMax = 0.05;
constexpr double kRiskMaxOfEqual = 0.2;  // where no content is ignored and each event says which it is

// Where copies may end and other repeats begin: gaps behind which none follows for long, the longest first. Where
// nearly all gaps are short and few are very long, these are taken for chance; the sooner where nothing in the key is
// random.
std::vector<double> SplitsOf(const std::vector<double>& sorted_gaps, bool has_random) {
  constexpr double kRatioLeast = 2.5;
  constexpr double kRatioOfChance = 6;
  const double share_of_copies = has_random ? 0.93 : 0.75;
  constexpr std::size_t kSplitsMax = 6;
  std::vector<std::pair<double, double>> found;  // ratio and gap
  double longest = sorted_gaps.back();
  for (std::size_t i = sorted_gaps.size() - 1; i-- > kGapsLeast - 1;) {
    const double ratio = sorted_gaps[i + 1] / std::max(sorted_gaps[i], kGapFloorS);
    if (ratio >= kRatioLeast) found.emplace_back(ratio, sorted_gaps[i]);
    if (ratio >= kRatioOfChance &&
        static_cast<double>(i + 1) >= share_of_copies * static_cast<double>(sorted_gaps.size())) {
      longest = sorted_gaps[i];
      found.clear();
    }
  }
  std::sort(found.rbegin(), found.rend());
  if (found.size() > kSplitsMax) found.resize(kSplitsMax);
  std::vector<double> splits = {longest};
  for (const auto& [ratio, gap] : found) splits.push_back(gap);
  std::sort(splits.rbegin(), splits.rend());
  splits.erase(std::unique(splits.begin(), splits.end()), splits.end());
  return splits;
}

// Repeats that are no copies and come sooner than window_s, judged by how many come later.
double LikelyRepeats(const std::vector<double>& sorted_repeats_s, double duration_s, double window_s) {
  const auto count = [&](double up_to) {
    return static_cast<double>(std::upper_bound(sorted_repeats_s.begin(), sorted_repeats_s.end(), up_to) -
                               sorted_repeats_s.begin());
  };
  const double within = count(window_s);
  double least = std::numeric_limits<double>::infinity();
  for (double wide_s = 10 * window_s; wide_s <= duration_s; wide_s *= 2) {
    const double seen = 1 - wide_s / (2 * duration_s);  // of what is so far apart, the capture's end hides some
    least = std::min(least, (count(wide_s) - within + 0.5) / seen * window_s / (wide_s - window_s));
  }
  return within + least;
}

double RiskOf(const Hearing& hearing, double window_s) {
  if (hearing.has_sure_identity && hearing.repeats_s.empty()) return 0;
  const auto of_stream = [&](const Stream& stream) {
    const double same =
        (static_cast<double>(stream.same_count) + 0.5) / (static_cast<double>(stream.intervals_s.size()) + 1);
    return stream.ExpectedWithin(window_s) * same;
  };
  return std::min({LikelyRepeats(hearing.repeats_s, hearing.table.seconds(), window_s), of_stream(hearing.wide_stream),
                   of_stream(hearing.narrow_stream)});
}

// Three times the longest gap, and far from the next repeat; shorter while that is risky.
void FindWindow(const Hearing& hearing, Trial* trial) {
  double most_s = std::max(3 * trial->gap_max_s, 2 * kWindowMinS);
  most_s = std::min(most_s, std::sqrt(std::max(trial->gap_max_s, 2 * kGapFloorS) * trial->next_repeat_s));
  if (!hearing.has_sure_identity) {
    const double short_interval_s = QuantileOf(hearing.narrow_stream.intervals_s, 0.05);
    most_s = std::min(most_s, std::max(0.8 * short_interval_s, 1.5 * trial->gap_max_s));
  }
  // A text as a whole may be no more than readings.
  const bool has_identity = std::ranges::any_of(hearing.identities, [&](std::size_t column) {
    return hearing.table.columns[column].place != Column::Place::kPayload;
  });
  const double risk_max = hearing.ignores_delivery_only && has_identity ? kRiskMaxOfEqual : kRiskMax;
  for (const double share : {1.0, 0.8, 0.65, 0.5}) {
    const double window_s = std::max(share * most_s, kWindowMinS);
    if (window_s < 1.3 * trial->gap_max_s) return;
    trial->risk = RiskOf(hearing, window_s);
    if (trial->risk > risk_max) continue;
    trial->window_s = window_s;
    return;
  }
}

Trial Hear(const Hearing& hearing) {
  Trial trial;
  trial.ignored = hearing.ignored;
  trial.event_count = hearing.event_count();
  trial.repeated_count = hearing.repeated_count;
  trial.copy_count = hearing.pairs.size();
  trial.gap_median_s = QuantileOf(hearing.ages_s, 0.5);
  trial.gap_p99_s = QuantileOf(hearing.ages_s, 0.99);
  trial.gap_max_s = hearing.gap_max_s();
  if (!hearing.repeats_s.empty()) trial.next_repeat_s = hearing.repeats_s.front();
  trial.is_across = !hearing.sides.empty();
  trial.ignores_level = std::ranges::any_of(
      hearing.sides, [&](std::size_t column) { return hearing.table.columns[column].place == Column::Place::kLevel; });
  trial.identities = hearing.identities;
  trial.has_sure_identity = hearing.has_sure_identity;
  trial.has_random_identity = hearing.has_random_identity;
  trial.interval_s = hearing.interval_s();
  trial.stream_count = std::unordered_set<std::uint64_t>(hearing.narrow.begin(), hearing.narrow.end()).size();
  trial.reason = ReasonAgainst(hearing);
  if (!trial.is_accepted()) return trial;
  FindWindow(hearing, &trial);
  if (trial.window_s == 0) {
    trial.reason.refusal = Refusal::kNoGap;
    return trial;
  }
  trial.pairs = hearing.pairs;
  trial.not_joined = hearing.NearestApart();
  return trial;
}

}  // namespace

Trials::Trials(const Table& table) : table_(table), sums_(table.row_count(), 0) {
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    if (table.columns[column].is_constant) continue;
    for (std::size_t row = 0; row < table.row_count(); ++row) {
      sums_[row] += HashOf(column, table.columns[column].values[row]);
    }
  }
}

Trial Trials::Try(const ColumnSet& ignored) const {
  std::vector<std::uint64_t> keys = sums_;
  for (std::size_t column = 0; column < table_.columns.size(); ++column) {
    if (!ignored[column] || table_.columns[column].is_constant) continue;
    for (std::size_t row = 0; row < keys.size(); ++row) keys[row] -= HashOf(column, table_.columns[column].values[row]);
  }
  std::vector<std::uint32_t> previous(keys.size(), Hearing::kNone);
  std::vector<double> gaps;
  std::unordered_map<std::uint64_t, std::uint32_t> last;
  last.reserve(keys.size());
  for (std::uint32_t row = 0; row < keys.size(); ++row) {
    const auto [place, is_new] = last.try_emplace(keys[row], row);
    if (is_new) continue;
    previous[row] = std::exchange(place->second, row);
    gaps.push_back(table_.time_s[row] - table_.time_s[previous[row]]);
  }
  if (gaps.size() < kGapsLeast) {
    Trial trial;
    trial.ignored = ignored;
    trial.event_count = last.size();
    trial.repeated_count = trial.copy_count = gaps.size();
    trial.reason.refusal = gaps.empty() ? Refusal::kNoRepeats : Refusal::kFewRepeats;
    return trial;
  }
  std::sort(gaps.begin(), gaps.end());
  bool has_random = false;
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const Column& column = table_.columns[i];
    has_random = has_random || (!ignored[i] && column.is_random && column.place != Column::Place::kPayload);
  }
  std::optional<Trial> furthest;
  for (const double gap_s : SplitsOf(gaps, has_random)) {
    Trial trial = Hear(Hearing(table_, ignored, keys, previous, gap_s));
    if (trial.is_accepted()) return trial;
    if (!furthest || trial.reason.refusal > furthest->reason.refusal) furthest = std::move(trial);
  }
  return *std::move(furthest);
}

}  // namespace dedup::command
