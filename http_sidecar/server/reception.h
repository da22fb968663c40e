// Where connections arrive, and wait while there is nothing to be done for them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/net/connection.h"
#include "http_sidecar/net/connection_counts.h"
#include "http_sidecar/net/socket_fd.h"
#include "http_sidecar/server/visit.h"

namespace dedup::sidecar {

/// One thread accepts connections, and by epoll waits for all that are idle, or whose request is not whole yet: a
/// connection that says nothing, or says it slowly, holds up no other thread.
///
/// Places for connections are limited by the process's file descriptors, and shared as fairly as FairBudget does it.
/// For a new connection of a network that has its share, the one of the same network that has waited longest is closed.
///
/// Threading: any thread, except where it says otherwise.
class Reception {
 public:
  using Clock = Visit::Clock;
  struct Options {
    std::size_t connections_max;
    std::uint32_t connections_per_address_max = 0;  ///< 0: no limit
    /// For who comes beyond it: sent to them as it is. Empty: they are closed without a word.
    std::string refusal = {};
  };
  struct Calls {
    /// Something has come from the client. It must not wait.
    std::function<void(std::unique_ptr<Visit>)> on_ready;
    /// Several times a second.
    std::function<void()> on_tick;
  };

  /// Errors: std::system_error.
  Reception(Options options, Calls calls);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;

  /// Accepts what comes to that socket, which must not block, and serves until Stop(); false if it had to end by
  /// itself.
  bool Run(int listening_fd);

  /// Keeps the visit until there is something to receive or to send (`awaited`: POLLIN or POLLOUT), but no longer than
  /// until the deadline, when it is closed.
  void Await(std::unique_ptr<Visit> visit, short awaited, Clock::time_point deadline);

  /// For a client that has been answered and may not know it yet, because it goes on sending: closing at once would
  /// reset the connection, and with it the answer. Takes in at most 1 MiB more, for at most 2 s.
  void Linger(std::unique_ptr<Connection> connection);

  /// Closes every connection that waits and for which `is_over`, which must not wait.
  void Close(const std::function<bool(const Visit&)>& is_over);

  /// Closes those that wait; what is handed in from now on is closed at once.
  void Stop();

 private:
  using Id = std::uint64_t;
  struct Waiting {
    std::unique_ptr<Visit> visit;
    Clock::time_point deadline;
    std::list<Id>::iterator in_network;
  };
  struct Lingering {
    std::unique_ptr<Connection> connection;
    std::size_t bytes_left;
    Clock::time_point deadline;
  };

  bool AcceptAll(int listening_fd);
  void Welcome(SocketFd socket);
  std::shared_ptr<const void> MakePlace(const std::string& network);
  bool EvictFrom(const std::string& network);
  bool EvictAny();
  std::unique_ptr<Visit> TakeOut(std::map<Id, Waiting>::iterator waiting);  // mutex_ is held
  void OnEvent(Id id);
  bool TakeIn(Lingering* lingering) const;
  void CloseLate(Clock::time_point now);

  const Options options_;
  const Calls calls_;
  const int epoll_fd_;
  const int wake_fd_;
  ConnectionCounts counts_;
  FairBudget places_;

  std::mutex mutex_;
  bool stopping_ = false;                                    // guarded by mutex_
  Id next_id_;                                               // guarded by mutex_
  std::map<Id, Waiting> waiting_;                            // guarded by mutex_
  std::map<Id, Lingering> lingering_;                        // guarded by mutex_
  std::set<std::pair<Clock::time_point, Id>> deadlines_;     // guarded by mutex_; of those who wait
  std::unordered_map<std::string, std::list<Id>> networks_;  // guarded by mutex_; who has waited longest first
};

}  // namespace dedup::sidecar
