// Finds the events that match a filter, by index, in order of seq.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "plugin/core/store/event_filter.h"
#include "plugin/core/store/sqlite.h"

namespace dedup {

/// Each condition of a filter that has an index gives its seqs in order; the search lets them overtake each other until
/// all stand at one seq, so a condition that few events meet makes it fast, whichever that is. The row then has the
/// last word. A plain topic, a source, an id and a time range cost some seeks a hit. A wildcard looks at the rows in
/// order while it matches one in fifty; then it lists the topics that it matches, and costs a seek for each of
/// these.
///
/// For a filter with `within`, what is read are the rows on its topics, or, of an id, the index's entries for these
/// topics: no more. So how long it takes tells nothing of what is stored on others.
///
/// Threading: one thread at a time. Ownership: refers to the database. Errors: StorageError.
class EventSearch {
 public:
  explicit EventSearch(sqlite::Database& database);
  ~EventSearch();

  /// Calls `on_event` for the matching events of the range, in its order, until it returns false: that event is then
  /// not counted as seen. Returns what is left of the range from there, or nothing when all was seen. Also stops after
  /// some ten milliseconds of looking, so that no read transaction stays open for long. One transaction.
  std::optional<EventRange> Run(const EventFilter& filter, EventRange range,
                                const std::function<bool(const StoredEvent&)>& on_event);

 private:
  struct Statements;

  sqlite::Database& database_;
  const std::unique_ptr<Statements> oldest_first_, newest_first_;
};

}  // namespace dedup
