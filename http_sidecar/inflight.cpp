#include "inflight.h"

#include <algorithm>
#include <utility>

namespace dedup::sidecar {

void Inflight::Sent(std::shared_ptr<Delivery> delivery, std::size_t index, int packet_id, Clock::time_point now) {
  entries_.push_back({std::move(delivery), index, packet_id, now});
  payload_bytes_ += entries_.back().event().payload.size();
}

bool Inflight::Answer(const Receipt& receipt) {
  if (entries_.empty()) return false;
  const Event& event = entries_.front().event();
  // An event that the plugin passed may come back without an id.
  const bool is_same =
      event.topic == receipt.topic && (event.event_id == receipt.event_id || receipt.verdict == Verdict::kPassed);
  if (!is_same) return false;
  payload_bytes_ -= event.payload.size();
  const Entry entry = std::move(entries_.front());
  entries_.pop_front();
  entry.delivery->Answer(entry.index, receipt.verdict);
  return true;
}

void Inflight::Reject(int packet_id, int status, const std::string& reason) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [packet_id](const Entry& entry) { return entry.packet_id == packet_id; });
  if (found == entries_.end()) return;
  payload_bytes_ -= found->event().payload.size();
  const Entry entry = std::move(*found);
  entries_.erase(found);
  entry.delivery->Reject({status, EventProblem(entry.index, "", reason).detail});
}

void Inflight::FailAll(const std::string& detail) {
  for (const Entry& entry : std::exchange(entries_, {})) entry.delivery->Fail(detail);
  payload_bytes_ = 0;
}

std::optional<Inflight::Clock::time_point> Inflight::oldest() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.front().sent;
}

}  // namespace dedup::sidecar
