// The decision about every publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plugin/core/base/log.h"
#include "plugin/core/closed_directory.h"
#include "plugin/core/event/event.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/observe/conflict_check.h"
#include "plugin/core/observe/duplicate_counts.h"
#include "plugin/core/observe/rule_report.h"
#include "plugin/core/observe/rule_watch.h"
#include "plugin/core/open_directory.h"
#include "plugin/core/options.h"
#include "plugin/core/rules/explain.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rule_set.h"

namespace dedup {

/// What the broker is to do with a publish.
enum class Action : std::uint8_t {
  kLetThrough,        ///< let it take its way
  kReplace,           ///< put the stand-in in its place, which reaches nobody; its publisher is acknowledged
  kHandOnAndReplace,  ///< hand it on for the plugin, then put the stand-in in its place
  kRefuse,            ///< do not acknowledge it: disconnect its publisher, which then sends it again
};

/// What becomes of a publish, and by which id.
struct Decision : Outcome {
  /// Empty with kPassed; where a rule of the rules file made the key, its text for people. Valid until the next
  /// OnPublish, as long as the publish.
  std::string_view event_id = {};
  Action action = Action::kLetThrough;
};

/// What a reload of the rules file came to.
struct Reloaded {
  std::size_t rules = 0;            ///< that are in the file
  std::vector<std::string> errors;  ///< with any, the rules are what they were
  std::vector<std::string> warnings = {};
};

/// What would become of a publish now, and why.
struct Explained {
  Explanation explanation;
  Outcome outcome;                ///< kRefused with a key while no data directory is open
  bool is_observed_copy = false;  ///< a rule that observes makes a key of it, and remembers that key
};

/// Recognises events, remembers them durably, and keeps its promises across deaths of the process.
///
/// While the data directory cannot be used (full disk, I/O error, no permission, a file of a newer version) events are
/// refused, or passed with on_store_failure pass, and all else flows; it is tried again until it can be used.
///
/// Threading: the broker's main thread only; it owns all others. Errors: the constructor throws DataDirInUse, and
/// OptionError for a rules file that cannot be used; the others throw nothing but std::bad_alloc.
class Deduplicator {
 public:
  explicit Deduplicator(const Options& options);

  Decision OnPublish(const Publish& publish);

  /// Reads the rules file anew. With an error in it nothing changes, and the log names it. A rule whose name, key,
  /// ignore and ignore_levels stay the same goes on with the ids that it has.
  Reloaded ReloadRules();

  /// What a publish can be an event by: see RuleSet.
  const RuleSet& rules() const { return finder_->rules(); }
  /// Counts nothing and changes nothing.
  Explained Explain(const Publish& publish);
  /// Of each rule, in their order, the default one last if it is in use: all but the observations.
  std::vector<RuleReport> RuleSummaries() const;
  /// The names and counters of the same.
  std::vector<NamedCounters> CountersOfRules() const;
  /// Nothing where no rule has that name.
  std::optional<RuleReport> ReportOf(std::string_view rule) const;

  /// Of the latest events, since the data directory was opened.
  const DuplicateCounts& duplicate_counts() const { return duplicate_counts_; }

  /// Whether some rule wants to know a publish's client.
  bool wants_client() const { return wants_client_; }

  /// The broker could not take an event that OnPublish or TakeOverdue let through: it is in doubt from now on. Where
  /// there is no memory to hold it, it is in doubt from the next start on.
  void OnHandOnFailed(const Publish& publish, const Decision& decision);
  void OnHandOnFailed(EventInDoubt event);

  /// To be called once in every turn of the broker's loop, or as often as the broker allows.
  void OnTurn();
  /// Whether OnTurn has something to do soon, for brokers that call it only on request.
  bool wants_turn() const;

  /// With kHandOnAndReplace: an older event of this topic that is in doubt. To be called, and handed on, until there is
  /// none, before the event `seq` is handed on.
  std::optional<EventInDoubt> TakeOlder(std::string_view topic, std::uint64_t seq);

  /// An event in doubt whose recovery_delay is over: hand it on.
  std::optional<EventInDoubt> TakeOverdue();

  /// Why no event can be taken at all; empty once the data directory is open.
  std::string trouble() const;

  /// What was counted since the data directory was made; nothing before it is open.
  std::optional<Statistics> statistics() const;

  /// For an orderly end of the broker: ends the threads after one attempt to store what is left; nothing but log() may
  /// be called afterwards. What the broker has only queued, QoS 2 events of its last two turns, is in doubt at the next
  /// start.
  void Stop();

  /// Lines for the broker's log.
  LogQueue& log() { return log_; }
  const Options& options() const { return options_; }

 private:
  void Open(Recovered recovered);
  void Retry(const std::string& trouble);
  template <class Directory>
  Decision Decide(Directory& directory, const Publish& publish);
  void UseRules(RuleSet rules, const HashSecret& secret);
  std::size_t rules_in_use() const;
  template <class Directory>
  Decision Pass(Directory& directory, const Publish& publish, InvalidReason invalid);
  template <class Directory>
  Decision Refuse(Directory& directory, const Publish& publish, std::string_view event_id, const char* why);

  LogQueue log_;
  const Options options_;
  std::unique_ptr<KeyFinder> finder_;
  std::vector<EventRule> event_rules_;  // by their number; the names are the finder's
  const std::unique_ptr<ConflictLink> conflicts_;
  RuleWatch watch_;
  DuplicateCounts duplicate_counts_;
  bool wants_client_ = false;
  OncePerMinute invalid_id_log_;
  OncePerMinute refused_log_;
  OncePerMinute no_thread_log_;
  std::int64_t next_retry_ms_ = 0;
  std::variant<ClosedDirectory, OpenDirectory> directory_;
};

}  // namespace dedup
