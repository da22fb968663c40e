#include "http_sidecar/events/event_listing.h"

#include <utility>

namespace dedup::sidecar {
namespace {

constexpr std::size_t kPieceBytes = 128 * 1024;

}  // namespace

EventListing::EventListing(EventStore* store, const EventFormat& format, EventFilter filter, EventRange range,
                           std::size_t limit)
    : store_(store),
      format_(&format),
      filter_(std::move(filter)),
      rest_(range),
      events_left_(limit),
      before_next_(format.begin) {}

bool EventListing::AppendNext(std::string* out) {
  // Also a list without an event has a beginning.
  out->append(std::exchange(before_next_, ""));
  const std::size_t begin = out->size();
  bool is_full = false;
  while (rest_ && !is_full) {
    rest_ = store_->Read([&](EventReader& reader) {
      return reader.ReadEvents(filter_, *rest_, [&](const StoredEvent& event) {
        is_full = out->size() - begin >= kPieceBytes || events_left_ == 0;
        if (is_full) return false;
        if (out->size() != begin) out->append(format_->separator);
        format_->append_event(event, out);
        --events_left_;
        return true;
      });
    });
  }
  before_next_ = format_->separator;
  return rest_ && events_left_ > 0;
}

}  // namespace dedup::sidecar
