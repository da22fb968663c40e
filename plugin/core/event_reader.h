// What others may read of a data directory while the broker works: the store's events and the plugin's counters.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event_filter.h"

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
  bool store_failing = false;    ///< events wait in the journal because SQLite cannot store them
  bool journal_failing = false;  ///< events are refused because the journal cannot be synced
};

/// Reads a data directory that a broker writes.
///
/// Read-only: takes no lock that would keep the broker's writer waiting. Every call opens a short read transaction.
/// Threading: one thread at a time per object; open one per thread.
/// Errors: StorageError, also while the broker has not yet created the files; a later call tries again.
class EventReader {
 public:
  explicit EventReader(std::filesystem::path data_dir);
  ~EventReader();

  /// Straight from the journal's header, so never older than the last acknowledgement.
  Statistics ReadStatistics();

  /// The seq up to which every accepted event is a row (or already pruned).
  std::uint64_t StoredSeq();

  /// How many events are stored: by their seqs, so at once however many there are. After a damaged database was
  /// salvaged, those of its lost rows that lie between others are counted too.
  std::uint64_t CountEvents();

  /// Calls `on_event` for the events of the range that match, in its order, until it returns false: that event is not
  /// counted as seen. Returns what is left of the range, to go on with; nothing when there are no more. May stop by
  /// itself before, having looked for long.
  std::optional<EventRange> ReadEvents(const EventFilter& filter, const EventRange& range,
                                       const std::function<bool(const StoredEvent&)>& on_event);

  /// The topics that have at least one stored event, sorted by their bytes.
  std::vector<std::string> Topics();

 private:
  struct Connection;
  Connection& connection();

  std::filesystem::path data_dir_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace dedup
