#pragma once

#include <cstdint>

#include "plugin/core/contract/sync_durations.h"

namespace dedup {

/// The plugin's counters since the data directory was made; they survive restarts and kill -9.
struct Statistics {
  std::uint64_t processed = 0;           ///< events accepted and handed on
  std::uint64_t duplicates = 0;          ///< events recognised and not handed on
  std::uint64_t passed = 0;              ///< publishes that are no events
  std::uint64_t refused = 0;             ///< events that could not be stored and were not acknowledged
  std::uint64_t invalid_ids = 0;         ///< of the passed: those whose id was empty, too long or of another type
  std::uint64_t unstored = 0;            ///< events that could not be stored and were handed on all the same
  std::uint64_t accepted_seq = 0;        ///< the newest event's seq; 0 before the first
  std::uint64_t journal_used_bytes = 0;  ///< not yet released to the store
  std::uint64_t journal_size_bytes = 0;
  std::uint64_t record_bytes_max = 0;  ///< of an event; a larger one is refused
  bool store_failing = false;          ///< events wait in the journal because SQLite cannot store them
  bool journal_failing = false;        ///< events are refused because the journal cannot be synced
  SyncDurations sync_durations = {};

  /// Events that came.
  std::uint64_t received() const { return processed + duplicates; }
};

}  // namespace dedup
