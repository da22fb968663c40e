#include "command/advise/group_advice.h"

#include <algorithm>
#include <optional>

#include "command/advise/known_shapes.h"
#include "command/traffic/column_name.h"
#include "command/traffic/member_names.h"
#include "command/traffic/table.h"
#include "command/trial/candidates.h"
#include "command/trial/partners.h"
#include "command/trial/trial.h"

namespace dedup::command {
namespace {

constexpr std::size_t kRowsLeast = 10;
constexpr std::size_t kOccasionsToldLeast = 3;
constexpr double kClearlyMore = 1.04;  // copies, for which more may be ignored

// Whether all of a key that is another for each event would be ignored; a clock that may have been the receiver's is
// none.
bool LosesIdentity(const Table& table, const Trial& trial, const ColumnSet& ignored) {
  bool had_any = false;
  for (const std::size_t column : trial.identities) {
    if (table.columns[column].is_time) continue;
    if (!ignored[column]) return false;
    had_any = true;
  }
  return had_any;
}

// The key that finds most copies of those that nothing speaks against, or the one that got furthest.
Trial BestOf(const Group& group, const Table& table) {
  const Trials trials(table);
  const bool must_come_from_each = MustComeFromEach(group, table);
  const bool is_command = TellsReceivers(group);
  const bool is_shared = SharesTopicByDesign(group);
  Trial best;
  best.reason.refusal = Refusal::kNoRepeats;
  std::optional<Trial> too_few;  // messages that are equal
  for (const ColumnSet& set : CandidatesOf(table, PartnersOf(table))) {
    Trial trial = trials.Try(set);
    if (trial.is_accepted() && trial.is_across && must_come_from_each) trial.reason.refusal = Refusal::kKnownShape;
    if (trial.is_accepted() && trial.ignores_level && is_command) trial.reason.refusal = Refusal::kFanOut;
    if (trial.is_accepted() && !table.has_clients && !trial.has_random_identity &&
        (is_shared || trial.stream_count == 1)) {
      trial.reason.refusal = Refusal::kSharedTopic;
    }
    if (set.none() && trial.reason.refusal == Refusal::kFewRepeats && trial.repeated_count >= kOccasionsToldLeast) {
      too_few = trial;
    }
    if (!trial.is_accepted()) {
      if (!best.is_accepted() && trial.reason.refusal > best.reason.refusal) best = std::move(trial);
      continue;
    }
    if (!best.is_accepted()) {
      best = std::move(trial);
      continue;
    }
    // Wider only for clearly more copies, and never without what tells events apart.
    if (trial.identities.empty() && LosesIdentity(table, best, set)) continue;
    if (static_cast<double>(trial.copy_count) > kClearlyMore * static_cast<double>(best.copy_count) + 2) {
      best = std::move(trial);
    }
  }
  // What came closest to a rule is told, where more of the same traffic would not make it one.
  const bool is_settled = best.reason.refusal >= Refusal::kSharedTopic;
  if (!best.is_accepted() && !is_settled && too_few) return *std::move(too_few);
  return best;
}

}  // namespace

GroupAdvice GroupAdviceOf(const Capture& capture, const Group& group, const AdviseOptions& options) {
  GroupAdvice finding;
  finding.filter = group.Filter();
  finding.message_count = group.rows.size();
  finding.looked_at_count = std::min(group.rows.size(), Table::kRowsMax);
  finding.only_whole_counts = group.format == Format::kOpaque;
  finding.reason.refusal = Refusal::kFewRepeats;
  if (group.rows.size() < kRowsLeast) return finding;

  const Table table = MakeTable(capture.messages(), group, capture.has_clients());
  const Trial trial = BestOf(group, table);
  finding.reason = trial.reason;
  finding.event_count = trial.event_count;
  finding.repeated_count = trial.repeated_count;
  finding.copy_count = trial.copy_count;
  finding.gap_median_s = trial.gap_median_s;
  finding.gap_p99_s = trial.gap_p99_s;
  finding.gap_max_s = trial.gap_max_s;
  finding.next_repeat_s = trial.next_repeat_s;
  finding.interval_s = trial.interval_s;
  finding.risk = trial.risk;
  finding.is_across = trial.is_across;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (trial.ignored[i]) finding.ignored.push_back(NameOf(table.columns[i]));
    if (LooksLikeDevice(table.columns[i]) && !trial.ignored[i]) finding.traps.push_back(NameOf(table.columns[i]));
  }
  for (const std::size_t column : trial.identities) finding.identities.push_back(NameOf(table.columns[column]));
  if (!trial.is_accepted()) return finding;

  for (const auto& [earlier, later] : trial.pairs) {
    const Message& a = capture.messages()[table.rows[earlier]];
    const Message& b = capture.messages()[table.rows[later]];
    finding.equal_count += a.topic == b.topic && a.payload == b.payload;
  }
  const std::size_t step = std::max<std::size_t>(1, trial.pairs.size() / 2);
  for (std::size_t i = 0; i < trial.pairs.size() && finding.samples.size() < 2; i += step) {
    finding.samples.emplace_back(table.rows[trial.pairs[i].first], table.rows[trial.pairs[i].second]);
  }
  finding.not_joined = {table.rows[trial.not_joined.first], table.rows[trial.not_joined.second]};

  finding.rule = MakeRule(group, table, trial);
  if (finding.rule.key.empty()) finding.reason.refusal = Refusal::kNoWords;
  finding.needs_clients =
      std::find(finding.rule.key.begin(), finding.rule.key.end(), "client") != finding.rule.key.end();
  if (options.across_gateways && trial.is_across) finding.rule.mode = "drop";
  return finding;
}

}  // namespace dedup::command
