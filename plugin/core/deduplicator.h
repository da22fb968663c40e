// The decision about every publish.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "plugin/core/base/log.h"
#include "plugin/core/closed_directory.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/open_directory.h"
#include "plugin/core/options.h"

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
  std::string_view event_id = {};  ///< empty with kPassed; valid until the next OnPublish, as long as the publish
  Action action = Action::kLetThrough;
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

  /// The broker could not take an event that OnPublish or TakeOverdue let through: it is in doubt from now on. Where
  /// there is no memory to hold it, it is in doubt from the next start on.
  void OnHandOnFailed(const Publish& publish, const Decision& decision);
  void OnHandOnFailed(EventInDoubt event);

  /// To be called once in every turn of the broker's loop, or as often as the broker allows.
  void OnTurn();
  /// Whether OnTurn has something to do soon, for brokers that call it only on request.
  bool wants_turn() const;

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
  template <class Directory>
  EventId IdOf(const Directory& directory, const Publish& publish, KeyHash* key);
  bool IsDeduplicated(std::string_view topic) const;
  template <class Directory>
  Decision Pass(Directory& directory, const Publish& publish, EventIdStatus id);
  template <class Directory>
  Decision Refuse(Directory& directory, const Publish& publish, std::string_view event_id, const char* why);

  LogQueue log_;
  const Options options_;
  const bool all_topics_;
  EventIdBuffer id_buffer_;
  OncePerMinute invalid_id_log_;
  OncePerMinute refused_log_;
  OncePerMinute no_thread_log_;
  std::int64_t next_retry_ms_ = 0;
  std::variant<ClosedDirectory, OpenDirectory> directory_;
};

}  // namespace dedup
