// The deduplicator's work while its data directory can be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/base/log.h"
#include "plugin/core/closed_directory.h"
#include "plugin/core/contract/statistics.h"
#include "plugin/core/event/event.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/event/key.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/in_doubt.h"
#include "plugin/core/observe/conflict_check.h"
#include "plugin/core/options.h"
#include "plugin/core/start/recovery.h"
#include "plugin/core/threads/prefaulter.h"
#include "plugin/core/threads/syncer.h"
#include "plugin/core/threads/writer.h"

namespace dedup {

/// Recognises events, keeps them in the journal, and knows which of them have been handed on.
///
/// Threading: main thread; owns the three others. Ownership: refers to options, log and conflicts, which must outlive
/// it. Errors: the constructor throws what making a thread throws, and the directory is then free for another attempt;
/// the others throw nothing but std::bad_alloc.
class OpenDirectory {
 public:
  OpenDirectory(Recovered recovered, const Options& options, LogQueue& log, const ClosedDirectory::Meanwhile& meanwhile,
                ConflictLink& conflicts);

  /// What keys are made with.
  const HashSecret& secret() const { return recovered_.journal->header().secret; }
  /// For a key that Take will perhaps be given: what the index will look at is on its way from memory from now on.
  void Prefetch(const KeyHash& key) const { recovered_.index.Prefetch(key); }
  /// The decision about an event, at that time of MonotonicUs(). `rule`: of the one that made the key, and the key.
  Taken Take(const Publish& publish, std::string_view event_id, const EventRule& rule, std::int64_t monotonic_us);
  /// What Take would say about an event with that key now. Changes nothing, and does not ask whether there is room.
  Outcome Foretell(const KeyHash& key);
  /// For a message that is handed on without being taken.
  void NoteRetained(const Publish& publish) { NoteRetained(publish, accepted_seq_ + 1); }
  void Count(std::uint64_t Counters::*counter) { journal().Count(counter); }

  /// See Deduplicator for these.
  void OnHandOnFailed(const Event& event);
  void OnHandOnFailed(EventInDoubt event);
  void OnTurn();
  /// Notes what an orderly stop has handed on. To be followed by the destructor.
  void OnStop();
  bool wants_turn() const {
    return handed_on_seq_ != accepted_seq_ || !in_doubt_.empty() || recovered_.index.wants_sweep();
  }
  std::optional<EventInDoubt> TakeOverdue();
  std::optional<EventInDoubt> TakeOlder(std::string_view topic, std::uint64_t seq) {
    return in_doubt_.TakeOlder(topic, seq);
  }

  std::size_t event_count() const { return recovered_.index.size(); }
  std::uint64_t unstored_at_start() const { return recovered_.unstored; }
  std::optional<Statistics> statistics() const { return StatisticsOf(recovered_.journal->header()); }
  std::string trouble() const { return {}; }

 private:
  Journal& journal() { return *recovered_.journal; }
  std::optional<std::uint64_t> FindRemembered(const KeyHash& key, std::int64_t now_ms);
  bool MayAcknowledge() const;
  bool Accept(const Event& event);
  Taken HandOnInDoubt(const Publish& publish, std::uint64_t seq);
  void KeepInDoubt(EventInDoubt event);
  void LeaveToTheNextStart(std::uint64_t seq);
  bool IsHandedOnByStop(const Event& event) const;
  void NoteRetained(const Publish& publish, std::uint64_t seq);
  const char* WhyNotAppended(const Event& event);

  const Options& options_;
  LogQueue& log_;
  Recovered recovered_;
  InDoubtEvents in_doubt_;
  std::uint64_t recovered_seq_;  // events up to it are in doubt only if in_doubt_ says so
  std::uint64_t accepted_seq_;
  std::uint64_t turn_seq_;       // accepted_seq_ at the last turn
  std::uint64_t handed_on_seq_;  // the watermark
  std::uint64_t handed_on_seq_max_ = std::numeric_limits<std::uint64_t>::max();
  std::int64_t last_sweep_ms_ = 0;
  std::int64_t last_forget_ms_ = 0;

  // Last: their threads end before what they use.
  Syncer syncer_;
  Prefaulter prefaulter_;
  Writer writer_;
};

}  // namespace dedup
