// The threads that serve.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http_sidecar/server/visit.h"

namespace dedup::sidecar {

/// Visits with a seat (see Seats) are served as they come. Of the others, which never wait, only a few are served at a
/// time: more would only take the processor from each other, and from those who come later.
///
/// Threading: any thread.
class Workers {
 public:
  static constexpr std::size_t kWithoutSeatMax = 16;

  /// `count`: at least as many as there are seats and kWithoutSeatMax. `serve` must not throw. Errors:
  /// std::system_error where the system gives no more threads.
  Workers(std::size_t count, std::function<void(std::unique_ptr<Visit>)> serve);
  /// Waits for those that are at work; visits that have found no worker are closed.
  ~Workers() { Stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void Give(std::unique_ptr<Visit> visit);
  void Stop();

  /// For a worker whose visit has got a seat, or given it back. The latter is false where others are to come first.
  void GotSeat();
  bool MayGoOnWithoutSeat();

  /// So many have nothing to do.
  std::size_t idle_count() const { return idle_count_; }

 private:
  void Run();
  bool IsNext() const { return !seated_.empty() || (!others_.empty() && without_seat_ < kWithoutSeatMax); }

  const std::function<void(std::unique_ptr<Visit>)> serve_;
  std::atomic<std::size_t> idle_count_ = 0;
  std::mutex mutex_;
  std::condition_variable given_;
  bool stopping_ = false;                      // guarded by mutex_
  std::deque<std::unique_ptr<Visit>> seated_;  // guarded by mutex_
  std::deque<std::unique_ptr<Visit>> others_;  // guarded by mutex_
  std::size_t without_seat_ = 0;               // guarded by mutex_; so many of the others are being served
  std::vector<std::thread> threads_;
};

}  // namespace dedup::sidecar
