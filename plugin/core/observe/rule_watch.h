// All that is counted and observed of rules, by name, across their reloads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/base/log.h"
#include "plugin/core/event/key.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/observe/conflict_check.h"
#include "plugin/core/observe/key_majority.h"
#include "plugin/core/observe/rule_observer.h"
#include "plugin/core/observe/rule_report.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rule_set.h"

namespace dedup {

/// Says in the log, at most once a minute each, when duplicates have another payload than the first, and when a rule's
/// keys look like names of devices.
///
/// Memory: 1 KB for each rule and 130 KB; 50 KB for each one that observes, and for all of these together 16 MiB for
/// keys and 1 MiB for messages (4 MiB beyond 256 such rules), touched as it is needed.
/// Threading: the broker's main thread. Errors: std::bad_alloc, from the constructor,
/// Adopt and the reports.
class RuleWatch {
 public:
  static constexpr std::size_t kObservedBytesMax = std::size_t{16} << 20;
  static constexpr std::size_t kFirstSamplesMax = 256;
  static constexpr std::size_t kFirstSamplesPerRuleMax = 32;

  /// Log and link must outlive it.
  RuleWatch(const HashSecret& secret, LogQueue& log, ConflictLink& link);

  /// From now on these rules count, by their numbers. Of a rule whose name was there before, the counters go on; what
  /// it has observed stays as long as key, ignore, ignore_levels and window are the same. `before`: the finder that the
  /// earlier rules had, nullptr for none.
  void Adopt(const RuleSet& rules, std::chrono::milliseconds plugin_window, const KeyFinder* before);

  /// Notes the verdict about an event with a rule's key; `seq`: of the first with that key. key_text() makes the key's
  /// text and is seldom called.
  template <class KeyText>
  void NoteDecided(const FoundKey& key, const Publish& publish, const Outcome& outcome, std::int64_t age_ms,
                   const KeyText& key_text) noexcept {
    Watched& rule = watched_[key.rule];
    if (outcome.verdict == Verdict::kProcessed) {
      ++rule.counters.processed;
    } else if (outcome.verdict == Verdict::kDuplicate) {
      ++rule.counters.duplicates;
      if (rule.asks_about_conflicts && !link_.questions.full())
        AskAboutConflict(key.rule, publish.payload, outcome.seq);
    }
    NoteMajority(rule, key, publish, age_ms, key_text);
  }

  /// Notes a message with the key of a rule that only observes.
  template <class KeyText>
  void NoteObserved(const FoundKey& key, const Publish& publish, std::int64_t age_ms,
                    const KeyText& key_text) noexcept {
    Watched& rule = watched_[key.rule];
    rule.observer->Note(key.hash, publish, age_ms, key_text);
    NoteMajority(rule, key, publish, age_ms, key_text);
  }

  /// Whether OnTurn has something to do.
  bool wants_turn() const { return link_.answers.Front() != nullptr; }
  /// To be called now and then: takes what the writer has found out about conflicts.
  void OnTurn(std::int64_t now_ms) noexcept;

  /// Of a rule, by its number; `finder` is that of the rules that were adopted.
  RuleCounters Counters(std::size_t rule, const KeyFinder& finder) const;
  /// All but the observations.
  RuleReport Summary(std::size_t rule, const KeyFinder& finder) const;
  RuleReport Report(std::size_t rule, const KeyFinder& finder) const;
  /// Whether a message with the key of a rule that observes would be a copy now.
  bool IsCopy(const FoundKey& key, std::int64_t age_ms) const;

 private:
  struct Watched {
    // First what each message needs.
    std::unique_ptr<RuleObserver> observer;
    bool asks_about_conflicts = false;
    bool has_parts = false;
    RuleCounters counters;  // matched and keyed: before the finder in use
    KeyMajority majority;

    std::string name;
    std::optional<Rule> rule;  // nothing: the default one
    std::chrono::milliseconds window{};
    std::string since;
    OneKey one_key;
  };

  template <class KeyText>
  void NoteMajority(Watched& rule, const FoundKey& key, const Publish& publish, std::int64_t age_ms,
                    const KeyText& key_text) noexcept {
    // Without parts the topic is the key: then each topic has but one.
    const std::string_view topic = rule.has_parts ? publish.topic : std::string_view();
    if (rule.majority.Note(topic, key.hash.low, age_ms)) EndMajority(rule, publish.topic, key_text());
  }
  static void GoOn(Watched&& old, Watched* now) noexcept;
  void EndMajority(Watched& rule, std::string_view topic, std::string_view key_text) noexcept;
  void AskAboutConflict(std::uint32_t rule, std::string_view payload, std::uint64_t seq) noexcept;

  LogQueue& log_;
  ObserverTools tools_;
  ConflictLink& link_;
  std::vector<Watched> watched_;  // by rule number
  std::uint32_t rules_version_ = 0;
  OncePerMinute conflict_log_;
  OncePerMinute one_key_log_;
};

}  // namespace dedup
