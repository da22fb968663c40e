// A batch on its way to the broker, and who waits for what became of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http_sidecar/mqtt/batch.h"
#include "plugin/core/event/outcome.h"

namespace dedup::sidecar {

/// Threading: one thread delivers (Answer, Reject, Fail), another waits. Shared by both and by the events in flight.
class Delivery {
 public:
  /// `session` numbers the connection whose settings the batch was checked against.
  Delivery(std::shared_ptr<const Batch> batch, std::uint64_t session);

  const std::vector<Event>& events() const { return batch_->events; }
  /// Of the largest of them.
  std::size_t payload_bytes_max() const { return payload_bytes_max_; }
  int qos() const { return batch_->qos; }
  bool retain() const { return batch_->retain; }
  std::uint64_t session() const { return session_; }

  // For the thread that delivers:

  /// What became of one event; each gets exactly one Answer() or Reject(). The last of them ends the wait.
  void Answer(std::size_t index, const Outcome& outcome);
  /// The broker refused one event, and only it. The first problem is kept.
  void Reject(Problem problem);
  /// Ends the wait before anything was published.
  void Refuse(Problem problem) { Finish(std::move(problem)); }
  /// Ends the wait: no more answers will come. Does nothing when it has ended already; a problem of Reject() counts
  /// more.
  void Fail(std::string detail);

  // For the thread that waits:

  /// True when every event has its outcome; otherwise `problem` says why not: 503 unless the broker refused an event.
  bool Wait(std::chrono::steady_clock::duration patience, Problem* problem);
  /// In order of the events. Only after a successful Wait().
  const std::vector<Outcome>& outcomes() const { return outcomes_; }

 private:
  void Finish(std::optional<Problem> problem);

  const std::shared_ptr<const Batch> batch_;
  const std::size_t payload_bytes_max_;
  const std::uint64_t session_;
  // The delivering thread's until finished_, the waiting thread's afterwards.
  std::vector<Outcome> outcomes_;
  std::size_t answered_ = 0;
  std::optional<Problem> rejection_;

  std::mutex mutex_;
  std::condition_variable condition_;
  bool finished_ = false;           // guarded by mutex_
  std::optional<Problem> problem_;  // guarded by mutex_
};

}  // namespace dedup::sidecar
