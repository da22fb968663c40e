// Who may hold a thread up.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_sidecar/server/visit.h"

namespace dedup::sidecar {

/// A request that may wait, for its body, for the broker, for its client to take the answer, needs a seat. There are
/// fewer of them than threads, so that there is always a thread for what does not wait, such as /healthz. They are
/// shared as fairly as FairBudget does it. Who finds none waits without holding a thread; first of all come requests
/// that are whole, so that those whose body comes slowly, or never, only hold up each other.
///
/// Threading: any thread.
class Seats {
 public:
  using Clock = std::chrono::steady_clock;

  /// `serve` gets those who have waited, from whatever thread made a seat free.
  Seats(std::size_t count, std::function<void(std::unique_ptr<Visit>)> serve)
      : count_(count), serve_(std::move(serve)) {}

  /// The visit, which now has a seat; or null: it is kept until there is one.
  std::unique_ptr<Visit> Enter(std::unique_ptr<Visit> visit);
  /// Gives the visit's seat back, if it has one.
  void Leave(Visit* visit);

  /// Takes out those who have waited since before then.
  std::vector<std::unique_ptr<Visit>> TakeWaiting(Clock::time_point before);

  /// Whether others wait for what the visit holds: fewer than a quarter is free, or its own client waits for one.
  bool AreShortFor(const Visit& visit) const;

 private:
  struct Waiting {
    Clock::time_point since;
    std::unique_ptr<Visit> visit;
  };
  struct Client {
    bool has_waiting() const { return !whole.empty() || !partial.empty(); }

    std::size_t held = 0;
    std::deque<Waiting> whole;    // those who need not wait for a body go first
    std::deque<Waiting> partial;  // those who may have to
  };

  bool MayEnter(const Client& client) const { return client.held < count_ - taken_; }
  std::unique_ptr<Visit> NextToEnter(std::deque<Waiting> Client::*waiting);
  static std::string NameOf(const Visit& visit);

  const std::size_t count_;
  const std::function<void(std::unique_ptr<Visit>)> serve_;
  mutable std::mutex mutex_;
  std::size_t taken_ = 0;                  // guarded by mutex_
  std::size_t waiting_count_ = 0;          // guarded by mutex_
  std::map<std::string, Client> clients_;  // guarded by mutex_; those who hold a seat or wait for one
  std::string last_served_;                // guarded by mutex_
};

}  // namespace dedup::sidecar
