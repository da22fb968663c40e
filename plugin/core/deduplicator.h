// The decision about every publish: the hot path.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/base/log.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/in_doubt.h"
#include "plugin/core/options.h"
#include "plugin/core/start/pending_recovery.h"
#include "plugin/core/start/recovery.h"
#include "plugin/core/threads/prefaulter.h"
#include "plugin/core/threads/syncer.h"
#include "plugin/core/threads/writer.h"

namespace dedup {

/// A publish as the broker shows it; the views must live while OnPublish runs.
struct Publish {
  std::string_view topic;
  std::string_view payload;
  std::optional<std::string_view> id_property;  ///< the user property's value, if it is there
  std::string_view properties;  ///< encoded by the C face, kept in case the event must be handed on again
  std::uint8_t qos = 0;
  bool retain = false;
};

/// What becomes of a publish, and by which id.
struct Decision : Outcome {
  std::string_view event_id;  ///< empty with kPassed; valid until the next OnPublish, as long as the publish
};

/// Recognises events, remembers them durably, and keeps its promises across deaths of the process.
///
/// While the data directory cannot be used (full disk, I/O error, no permission, a file of a newer version) events are
/// refused, or passed with on_store_failure pass, and all else flows; it is tried again until it can be used.
///
/// Threading: the broker's main thread only; it owns all others. Errors: the constructor throws
/// DataDirInUse; the others throw nothing but std::bad_alloc.
class Deduplicator {
 public:
  explicit Deduplicator(const Options& options);

  Decision OnPublish(const Publish& publish);

  /// The broker could not take an event that OnPublish or TakeOverdue let through: it is in doubt from now on.
  void OnHandOnFailed(const Publish& publish, const Decision& decision);
  void OnHandOnFailed(EventInDoubt event);
  /// The same where there is no memory to hold it: it is in doubt from the next start on.
  void OnHandOnLost(const Outcome& outcome);

  /// To be called once in every turn of the broker's loop, or as often as the broker allows.
  void OnTurn();
  /// Whether OnTurn has something to do soon, for brokers that call it only on request.
  bool wants_turn() const {
    return !log_.empty() ||
           (!pending_ && (handed_on_seq_ != accepted_seq_ || !in_doubt_.empty() || index_->wants_sweep()));
  }

  /// An event in doubt whose recovery_delay is over: hand it on.
  std::optional<EventInDoubt> TakeOverdue();

  /// Why no event can be taken at all; empty once the data directory is open.
  std::string trouble() const { return pending_ ? pending_->trouble() : std::string(); }

  /// What was counted since the data directory was made; nothing before it is open.
  std::optional<Statistics> statistics() const {
    return journal_ == nullptr ? std::nullopt : std::optional(StatisticsOf(journal_->header()));
  }

  /// Ends the threads after one attempt to store what is left; nothing but log() may be called afterwards. What was
  /// not handed on yet is in doubt at the next start.
  void Stop() {
    pending_.reset();
    writer_.reset();
    prefaulter_.reset();
    syncer_.reset();
  }

  /// Lines for the broker's log.
  LogQueue& log() { return log_; }
  const Options& options() const { return options_; }

 private:
  void Open(Recovered recovered);
  void OpenIfRecovered();
  void Count(std::uint64_t Counters::*counter);
  EventId IdOf(const Publish& publish, KeyHash* key);
  bool IsDeduplicated(std::string_view topic) const;
  std::optional<std::uint64_t> FindRemembered(const KeyHash& key);
  Event MakeEvent(const Publish& publish, std::string_view event_id, std::uint64_t seq) const;
  Decision HandOnInDoubt(const Publish& publish, std::string_view event_id, std::uint64_t seq);
  bool MayAcknowledge() const;
  bool Accept(const Event& event, const KeyHash& key);
  Decision Pass(const Publish& publish, EventIdStatus id);
  void NoteRetained(const Publish& publish, std::uint64_t seq);
  Decision Refuse(const Publish& publish, std::string_view event_id, const char* why);
  const char* WhyNotAppended(const Event& event) const;

  const Options options_;
  const bool all_topics_;
  LogQueue log_;
  EventIdBuffer id_buffer_;
  std::optional<PendingRecovery> pending_;  // while the data directory could not be opened
  Counters unsaved_;                        // counted meanwhile
  bool retained_before_open_ = false;       // something was, meanwhile

  // From here on there is nothing before the data directory is open.
  std::optional<Recovered> recovered_;
  Journal* journal_ = nullptr;
  Index* index_ = nullptr;
  HashSecret secret_{};
  InDoubtEvents in_doubt_;
  std::uint64_t recovered_seq_ = 0;  // events up to it are in doubt only if in_doubt_ says so
  std::uint64_t accepted_seq_ = 0;
  std::uint64_t turn_seq_ = 0;       // accepted_seq_ at the last turn
  std::uint64_t handed_on_seq_ = 0;  // the watermark
  std::uint64_t handed_on_seq_max_ = std::numeric_limits<std::uint64_t>::max();
  std::int64_t last_sweep_ms_ = 0;
  OncePerMinute invalid_id_log_;
  OncePerMinute refused_log_;

  // Last: their threads end before what they use.
  std::optional<Syncer> syncer_;
  std::optional<Prefaulter> prefaulter_;
  std::optional<Writer> writer_;
};

}  // namespace dedup
