// The events that were published and whose receipts are still to come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "http_sidecar/mqtt/delivery.h"
#include "plugin/core/contract/receipts.h"

namespace dedup::sidecar {

/// Tells which event a receipt is for by order alone, whatever key the plugin gives the event. Receipts are numbered
/// (see ReceiptKind), so none is missed unnoticed; an event of QoS 1 or 2 that gets none is rejected before a receipt
/// of any later event comes. At QoS 0 the broker drops without a word what it does not let pass; so there the oldest
/// event that looks like the receipt's is taken, and those before it were dropped.
///
/// Threading: one thread.
class Inflight {
 public:
  using Clock = std::chrono::steady_clock;

  /// Event `index` of the delivery was published now under `packet_id`.
  void Sent(std::shared_ptr<Delivery> delivery, std::size_t index, int packet_id, Clock::time_point now);

  /// False when a receipt was lost, so that none that follows can be trusted. Rejects the events of QoS 0 that were
  /// dropped.
  bool Answer(const Receipt& receipt);

  /// Rejects the oldest events while they are of QoS 0 and were published before `time`: nobody will tell of them.
  void RejectSilent(Clock::time_point time);

  /// The broker refused the event with this packet id; no receipt will come for it. Returns the payload's size.
  std::optional<std::size_t> Reject(int packet_id, const ProblemType& type, const std::string& reason);

  /// The connection is gone: no receipt will come any more.
  void FailAll(const std::string& detail);

  std::size_t count() const { return entries_.size(); }
  std::size_t payload_bytes() const { return payload_bytes_; }
  /// When the oldest was published; nullopt when there is none.
  std::optional<Clock::time_point> oldest() const;

 private:
  struct Entry {
    std::shared_ptr<Delivery> delivery;
    std::size_t index;
    int packet_id;
    Clock::time_point sent;

    const Event& event() const { return delivery->events()[index]; }
    bool MayBeFor(const Receipt& receipt) const;
  };

  Entry TakeOldest();
  void RejectOldest();

  std::deque<Entry> entries_;
  std::uint64_t last_number_ = 0;  // of the receipts
  std::size_t payload_bytes_ = 0;
};

}  // namespace dedup::sidecar
