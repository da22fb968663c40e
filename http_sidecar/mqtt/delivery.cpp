#include "http_sidecar/mqtt/delivery.h"

#include <algorithm>
#include <utility>

namespace dedup::sidecar {

namespace {

std::size_t PayloadBytesMax(const std::vector<Event>& events) {
  std::size_t bytes_max = 0;
  for (const Event& event : events) bytes_max = std::max(bytes_max, event.payload.size());
  return bytes_max;
}

}  // namespace

Delivery::Delivery(std::shared_ptr<const Batch> batch, std::uint64_t session)
    : batch_(std::move(batch)),
      payload_bytes_max_(PayloadBytesMax(batch_->events)),
      session_(session),
      outcomes_(batch_->events.size()) {}

void Delivery::Answer(std::size_t index, const Outcome& outcome) {
  outcomes_[index] = outcome;
  if (++answered_ == outcomes_.size()) Finish(std::exchange(rejection_, std::nullopt));
}

void Delivery::Reject(Problem problem) {
  if (!rejection_) rejection_ = std::move(problem);
  if (++answered_ == outcomes_.size()) Finish(std::exchange(rejection_, std::nullopt));
}

void Delivery::Fail(std::string detail) {
  if (answered_ == outcomes_.size()) return;
  // What the broker refused it will refuse again, so sending the same again is no help.
  Finish(rejection_ ? *std::move(rejection_) : Problem{problems::kBrokerUnavailable, std::move(detail)});
}

void Delivery::Finish(std::optional<Problem> problem) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    problem_ = std::move(problem);
  }
  // Without the lock, at which the waiter would only be stopped again; our caller shares this object, so it is still
  // there.
  condition_.notify_one();
}

bool Delivery::Wait(std::chrono::steady_clock::duration patience, Problem* problem) {
  std::unique_lock lock(mutex_);
  if (!condition_.wait_for(lock, patience, [this] { return finished_; })) {
    *problem = {problems::kBrokerUnavailable,
                "the broker has not answered for all events in time; sending the same body again is safe"};
    return false;
  }
  if (problem_) *problem = *problem_;
  return !problem_;
}

}  // namespace dedup::sidecar
