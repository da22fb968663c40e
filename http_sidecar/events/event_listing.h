// A list of stored events that is written piece by piece.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/events/event_format.h"
#include "http_sidecar/events/event_store.h"
#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// Memory: some 256 KiB, or a few times one event if that is more. No read transaction is open between two pieces.
/// Threading: one thread at a time. The store must outlive it.
class EventListing {
 public:
  using Clock = std::chrono::steady_clock;

  /// At most `limit` events. `memory` covers what is appended, and must outlive it.
  EventListing(EventStore* store, FairBudget::Share* memory, const EventFormat& format, EventFilter filter,
               EventRange range, std::size_t limit = SIZE_MAX);

  /// Appends the next piece, which is not empty. False when there is no more to come, or when events were looked for
  /// until that time, be it with an empty piece; then End() is to follow.
  /// Errors: StorageError; then what was written so far is not the whole list. BudgetSpent; then nothing was appended,
  /// and the same can be tried again.
  bool AppendNext(std::string* out, Clock::time_point until = Clock::time_point::max());
  void End(std::string* out) const { out->append(format_->end); }

  /// What is left to look through behind the events so far; nothing when they were all.
  const std::optional<EventRange>& rest() const { return rest_; }

 private:
  bool MakeRoom(const StoredEvent& event, std::string* out) const;

  EventStore* store_;
  FairBudget::Share* memory_;
  const EventFormat* format_;
  EventFilter filter_;
  std::optional<EventRange> rest_;
  std::size_t events_left_;
  std::string_view before_next_;  // the list's beginning, then the separator
};

}  // namespace dedup::sidecar
