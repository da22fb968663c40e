// What can be told about the plugin in numbers, as read from the journal's header.
#pragma once

#include <cstdint>

#include "plugin/core/contract/counters.h"
#include "plugin/core/contract/sync_durations.h"

namespace dedup {

/// The counters since the data directory was made, which survive restarts and kill -9, and the present state. Here
/// `passed` takes the unstored events in.
struct Statistics : Counters {
  std::uint64_t processed = 0;           ///< events accepted and handed on
  std::uint64_t accepted_seq = 0;        ///< the newest event's seq; 0 before the first
  std::uint64_t journal_used_bytes = 0;  ///< not yet released to the store
  std::uint64_t journal_size_bytes = 0;
  std::uint64_t record_bytes_max = 0;  ///< of an event; a larger one is refused
  bool store_failing = false;          ///< events wait in the journal because SQLite cannot store them
  bool journal_failing = false;        ///< events are refused because the journal cannot be synced
  SyncDurations sync_durations = {};
  std::int64_t lost_ms = 0;  ///< when a start last found accepted events to be gone, since 1970; 0: never

  /// Events that came.
  std::uint64_t received() const { return processed + duplicates; }
};

}  // namespace dedup
