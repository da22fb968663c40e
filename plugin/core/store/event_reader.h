// What others may read of a data directory while the broker works: the store's events and the plugin's counters.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin/core/contract/statistics.h"
#include "plugin/core/store/event_filter.h"

namespace dedup {

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

  /// The bytes that the store's files take, those of its write-ahead log included.
  std::uint64_t StoreBytes();

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
