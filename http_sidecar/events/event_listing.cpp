#include "http_sidecar/events/event_listing.h"

#include <algorithm>
#include <utility>

namespace dedup::sidecar {
namespace {

constexpr std::size_t kPieceBytes = 128 * 1024;
constexpr std::size_t kPieceBytesKept = 1024 * 1024;
constexpr std::size_t kRoomAheadMax = 8 * 1024 * 1024;
constexpr std::size_t kFormFactorMax = 3;  // a payload, and the whole message beside it; or in CSV, with quotes doubled
constexpr std::size_t kOtherMembersBytes = 8 * 1024;

}  // namespace

EventListing::EventListing(EventStore* store, FairBudget::Share* memory, const EventFormat& format, EventFilter filter,
                           EventRange range, std::size_t limit)
    : store_(store),
      memory_(memory),
      format_(&format),
      filter_(std::move(filter)),
      rest_(range),
      events_left_(limit),
      before_next_(format.begin) {}

bool EventListing::AppendNext(std::string* out, Clock::time_point until) {
  if (out->empty() && out->capacity() > kPieceBytesKept) {
    out->shrink_to_fit();
    memory_->Resize(0);
  }
  const std::size_t begin = out->size();
  // Also a list without an event has a beginning.
  out->append(before_next_);
  const std::size_t first = out->size();
  bool is_full = false, has_memory = true, is_time_over = false;
  while (rest_ && !is_full && !is_time_over) {
    rest_ = store_->ReadList([&](EventReader& reader) {
      return reader.ReadEvents(filter_, *rest_, [&](const StoredEvent& event) {
        is_full = out->size() - first >= kPieceBytes || events_left_ == 0;
        if (is_full) return false;
        has_memory = MakeRoom(event, out);
        is_full = !has_memory;
        if (is_full) return false;
        if (out->size() != first) out->append(format_->separator);
        format_->append_event(event, out);
        --events_left_;
        return true;
      });
    });
    is_time_over = Clock::now() >= until;
  }
  if (!has_memory && out->size() == first) {
    out->resize(begin);
    throw BudgetSpent();
  }
  before_next_ = format_->separator;
  return rest_ && events_left_ > 0 && !is_time_over;
}

// For the event in any form, and while it is read the store's own copy of it.
bool EventListing::MakeRoom(const StoredEvent& event, std::string* out) const {
  const std::size_t event_bytes = kFormFactorMax * event.payload.size() + kOtherMembersBytes;
  const std::size_t room = out->size() + event_bytes;
  if (room <= out->capacity() && room <= memory_->amount()) return true;
  for (const std::size_t wanted : {std::max(room, std::min(2 * out->capacity(), room + kRoomAheadMax)), room}) {
    const std::size_t amount = std::max(memory_->amount(), wanted + event.payload.size());
    if (!memory_->Resize(amount)) continue;
    out->reserve(wanted);
    return true;
  }
  return false;
}

}  // namespace dedup::sidecar
