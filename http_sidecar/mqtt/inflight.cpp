#include "http_sidecar/mqtt/inflight.h"

#include <algorithm>
#include <utility>

namespace dedup::sidecar {

void Inflight::Sent(std::shared_ptr<Delivery> delivery, std::size_t index, int packet_id, Clock::time_point now) {
  entries_.push_back({std::move(delivery), index, packet_id, now});
  payload_bytes_ += entries_.back().event().payload.size();
}

// Only those of QoS 0 have a checksum.
bool Inflight::Entry::MayBeFor(const Receipt& receipt) const {
  if (delivery->qos() != 0) return !receipt.checksum;
  return receipt.checksum && event().topic == receipt.topic && ReceiptChecksum(event().payload) == *receipt.checksum;
}

Inflight::Entry Inflight::TakeOldest() {
  Entry entry = std::move(entries_.front());
  entries_.pop_front();
  payload_bytes_ -= entry.event().payload.size();
  return entry;
}

void Inflight::RejectOldest() {
  const Entry entry = TakeOldest();
  const std::string detail =
      EventProblem(entry.index, "",
                   "was dropped by the broker, which at QoS 0 does not say why; it may not let this "
                   "sidecar publish to the topic")
          .detail;
  entry.delivery->Reject({problems::kForbiddenByBroker, detail});
}

bool Inflight::Answer(const Receipt& receipt) {
  if (receipt.number != ++last_number_) return false;
  const auto found = std::ranges::find_if(
      entries_, [&receipt](const Entry& entry) { return entry.delivery->qos() != 0 || entry.MayBeFor(receipt); });
  if (found == entries_.end() || !found->MayBeFor(receipt)) return false;
  for (auto dropped = found - entries_.begin(); dropped > 0; --dropped) RejectOldest();
  const Entry entry = TakeOldest();
  entry.delivery->Answer(entry.index, receipt.outcome);
  return true;
}

void Inflight::RejectSilent(Clock::time_point time) {
  while (!entries_.empty() && entries_.front().delivery->qos() == 0 && entries_.front().sent < time) RejectOldest();
}

std::optional<std::size_t> Inflight::Reject(int packet_id, const ProblemType& type, const std::string& reason) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [packet_id](const Entry& entry) { return entry.packet_id == packet_id; });
  if (found == entries_.end()) return std::nullopt;
  const std::size_t payload_bytes = found->event().payload.size();
  payload_bytes_ -= payload_bytes;
  const Entry entry = std::move(*found);
  entries_.erase(found);
  entry.delivery->Reject({type, EventProblem(entry.index, "", reason).detail});
  return payload_bytes;
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
