// What the deduplicator has while its data directory cannot be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plugin/core/base/log.h"
#include "plugin/core/contract/counters.h"
#include "plugin/core/contract/statistics.h"
#include "plugin/core/event/event.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/event/key.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/options.h"
#include "plugin/core/start/pending_recovery.h"

namespace dedup {

/// Takes no event, and keeps what the open directory must know of the time before it. The same functions as
/// OpenDirectory, so that the deduplicator need not ask which of the two it has.
///
/// Threading: main thread. Ownership: refers to options and log, which must outlive it. Errors: Retry throws what
/// making a thread throws.
class ClosedDirectory {
 public:
  /// What happened while no directory was open.
  struct Meanwhile {
    Counters counters;
    bool retained = false;  ///< some retained message was handed on
  };

  ClosedDirectory() = default;
  explicit ClosedDirectory(const Meanwhile& meanwhile) : meanwhile_(meanwhile) {}

  /// Tries to open the directory, again and again, on a thread; `trouble`: why it is closed.
  void Retry(const Options& options, LogQueue& log, std::string trouble) {
    trouble_ = trouble;
    retry_.emplace(options, log, std::move(trouble));
  }
  bool is_retried() const { return retry_.has_value(); }
  std::optional<Recovered> TakeRecovered() { return retry_ ? retry_->Take() : std::nullopt; }
  const Meanwhile& meanwhile() const { return meanwhile_; }

  void Prefetch(const KeyHash&) const {}
  Taken Take(const Publish&, std::string_view, const EventRule&, std::int64_t) {
    return {{Verdict::kRefused, 0}, "the data directory cannot be used"};
  }
  Outcome Foretell(const KeyHash&) const { return {Verdict::kRefused, 0}; }
  void NoteRetained(const Publish& publish) { meanwhile_.retained |= publish.retain; }
  void Count(std::uint64_t Counters::*counter) { ++(meanwhile_.counters.*counter); }
  std::optional<EventInDoubt> TakeOverdue() { return std::nullopt; }
  std::optional<EventInDoubt> TakeOlder(std::string_view, std::uint64_t) { return std::nullopt; }
  bool wants_turn() const { return false; }
  std::optional<Statistics> statistics() const { return std::nullopt; }
  std::string trouble() const { return retry_ ? retry_->trouble() : trouble_; }

 private:
  Meanwhile meanwhile_;
  std::string trouble_;
  std::optional<PendingRecovery> retry_;
};

}  // namespace dedup
