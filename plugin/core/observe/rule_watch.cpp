#include "plugin/core/observe/rule_watch.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "plugin/core/base/clock.h"

namespace dedup {
namespace {

RuleObserver::Room RoomFor(std::size_t observing_rules) {
  const std::size_t keys = RuleWatch::kObservedBytesMax / ObservedKeys::kBytesPerKey / observing_rules;
  return {.keys_max = std::bit_floor(keys),
          .first_samples = std::clamp<std::size_t>(RuleWatch::kFirstSamplesMax / observing_rules, 1,
                                                   RuleWatch::kFirstSamplesPerRuleMax)};
}

}  // namespace

RuleWatch::RuleWatch(const HashSecret& secret, LogQueue& log, ConflictLink& link)
    : log_(log), tools_(secret), link_(link) {}

void RuleWatch::Adopt(const RuleSet& rules, std::chrono::milliseconds plugin_window, const KeyFinder* before) {
  const auto observes = [](const Rule& rule) { return rule.mode == RuleMode::kObserve; };
  const auto observing = static_cast<std::size_t>(std::ranges::count_if(rules.rules, observes));
  const RuleObserver::Room room = RoomFor(std::max<std::size_t>(observing, 1));
  std::vector<Watched> watched(rules.rules.size() + 1);
  // All that may fail comes before what was counted is taken from the old rules.
  for (std::size_t number = 0; number < watched.size(); ++number) {
    Watched& one = watched[number];
    one.name = rules.NameOf(number);
    one.window = plugin_window;
    one.since = UtcTimestamp();
    one.has_parts = true;
    one.asks_about_conflicts = true;
    if (number == rules.default_number()) continue;
    const Rule& rule = rules.rules[number];
    one.rule = rule;
    one.window = rule.window.value_or(plugin_window);
    one.has_parts = !rule.key.empty();
    one.asks_about_conflicts = rule.store == RuleStore::kEvent && !rule.HasPart(Source::Kind::kPayload);
    if (observes(rule)) {
      one.observer =
          std::make_unique<RuleObserver>(tools_, room, one.window.count(), rule.HasPart(Source::Kind::kField));
    }
  }
  std::unordered_map<std::string_view, Watched*> by_name;
  for (Watched& one : watched) by_name.emplace(one.name, &one);
  for (std::size_t number = 0; number < watched_.size(); ++number) {
    const auto found = by_name.find(watched_[number].name);
    if (found == by_name.end()) continue;
    if (before != nullptr) watched_[number].counters = Counters(number, *before);
    GoOn(std::move(watched_[number]), found->second);
  }
  watched_ = std::move(watched);
  ++rules_version_;
}

void RuleWatch::GoOn(Watched&& old, Watched* now) noexcept {
  now->since = std::move(old.since);
  now->counters = old.counters;
  const bool shares_keys = now->rule && old.rule ? ShareKeys(*now->rule, *old.rule) : !now->rule && !old.rule;
  if (!shares_keys) return;
  now->majority = old.majority;
  now->one_key = std::move(old.one_key);
  if (!now->observer || !old.observer || now->window != old.window) return;
  if (old.observer->room() != now->observer->room()) old.observer->SwapRoom(*now->observer);
  now->observer = std::move(old.observer);
}

void RuleWatch::AskAboutConflict(std::uint32_t rule, std::string_view payload, std::uint64_t seq) noexcept {
  link_.questions.Push({seq, link_.marks.Of(payload), rule, rules_version_});
}

// Those about rules of before a reload are left out: of the compared as well as of the conflicts.
void RuleWatch::OnTurn(std::int64_t now_ms) noexcept {
  const Watched* conflicting = nullptr;
  std::uint64_t seq = 0;
  while (const ConflictLink::Answer* const answer = link_.answers.Front()) {
    if (answer->rules_version == rules_version_) {
      Watched& rule = watched_[answer->rule];
      ++rule.counters.compared;
      if (answer->is_conflict) {
        ++rule.counters.conflicts;
        conflicting = &rule;
        seq = answer->seq;
      }
    }
    link_.answers.Pop();
  }
  if (conflicting == nullptr || !conflict_log_.Allow(now_ms)) return;
  const RuleCounters& counters = conflicting->counters;
  log_.AddMade(LogLevel::kWarning, [&] {
    return "rule " + conflicting->name + ": a duplicate of event " + std::to_string(seq) +
           " has another payload than the event, as have " + std::to_string(counters.conflicts) + " of " +
           std::to_string(counters.compared) +
           " that were compared; if the rule's key names a device and not an event, readings are lost (said once a "
           "minute)";
  });
}

void RuleWatch::EndMajority(Watched& rule, std::string_view topic, std::string_view key_text) noexcept {
  OneKey& one_key = rule.one_key;
  ++one_key.topics_watched;
  const KeyMajority::Verdict& verdict = rule.majority.verdict();
  if (!verdict.is_majority()) return;
  ++one_key.topics_with_one_key;
  try {
    one_key.at = UtcTimestamp();
    one_key.topic = Beginning(topic, KeyMajority::kTopicBytesMax);
    one_key.key = key_text;
    one_key.verdict = verdict;
  } catch (...) {  // no memory
    one_key.at.clear();
  }
  if (!one_key_log_.Allow(MonotonicMs())) return;
  log_.AddMade(LogLevel::kWarning, [&] {
    return "rule " + rule.name + ": " + std::to_string(verdict.of_one_key) + " of the last " +
           std::to_string(verdict.messages) + " messages on " + one_key.topic + " have the key " + one_key.key +
           "; a key that names a device and not an event " + (rule.observer ? "would drop" : "drops") +
           " all readings but the first (said once a minute)";
  });
}

RuleCounters RuleWatch::Counters(std::size_t rule, const KeyFinder& finder) const {
  RuleCounters counters = watched_[rule].counters;
  counters.matched += finder.counts(rule).matched;
  counters.keyed += finder.counts(rule).keyed;
  return counters;
}

RuleReport RuleWatch::Summary(std::size_t rule, const KeyFinder& finder) const {
  const Watched& watched = watched_[rule];
  const DefaultRule* const default_rule = finder.rules().default_rule ? &*finder.rules().default_rule : nullptr;
  RuleReport report;
  report.name = watched.name;
  report.window = watched.window;
  report.since = watched.since;
  report.counters = Counters(rule, finder);
  report.one_key = watched.one_key;
  if (watched.rule) {
    report.mode = watched.rule->mode;
    report.topics = watched.rule->topics;
  } else if (default_rule != nullptr) {
    report.topics = default_rule->topics;
  }
  return report;
}

RuleReport RuleWatch::Report(std::size_t rule, const KeyFinder& finder) const {
  RuleReport report = Summary(rule, finder);
  if (watched_[rule].observer) report.observations = watched_[rule].observer->Report();
  return report;
}

bool RuleWatch::IsCopy(const FoundKey& key, std::int64_t age_ms) const {
  return watched_[key.rule].observer->IsRemembered(key.hash, age_ms);
}

}  // namespace dedup
