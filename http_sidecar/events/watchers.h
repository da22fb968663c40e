// Those who watch events as they come, by server-sent events (WHATWG HTML, 9.2).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/events/event_store.h"
#include "http_sidecar/net/connection.h"
#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// What somebody wants to see: the events that match, from first_seq on.
struct Watch {
  EventFilter filter;
  std::uint64_t first_seq = 0;
  Caller caller;
  std::string client;                      ///< tells clients apart where something is shared between them
  std::shared_ptr<const void> place = {};  ///< see Watchers::Enter
};

/// One thread sends to all watchers; it reads each new event once, whatever their number. The store is the source: rows
/// appear in order of seq, so "all from this seq on" leaves no gap and repeats nothing. A watcher that lags behind (at
/// first, or because it reads slowly) is caught up by a second thread, a piece at a time in turn, so that it holds
/// nobody up.
///
/// What all of them get is in memory once. A watcher's unsent bytes are kept up to 256 KiB and an event, then it lags;
/// if it takes nothing for 15 s it is dropped. While there is no memory for more, all wait.  Every 15 s there is a
/// heartbeat, which also tells the seq that has been looked at, for a reconnecting client's Last-Event-ID. Without
/// watchers both threads sleep. Threading: every member from any thread.
class Watchers {
 public:
  /// Of which one client has half at most, see FairBudget.
  static constexpr std::size_t kWatchersMax = 2000;

  /// `may_stay`: whether a watcher's caller may still see what they asked for; asked on the sending thread. Store and
  /// memory must outlive it.
  Watchers(EventStore* store, FairBudget* memory, std::function<bool(const Caller&)> may_stay);
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  /// A place for another watcher of that client, which is free again when the last copy of what is returned is gone;
  /// null where there is none. Must not outlive this.
  std::shared_ptr<const void> Enter(const std::string& client);
  std::size_t count() const { return count_; }

  /// Takes over a connection to which the head of the answer has been written.
  void Add(std::unique_ptr<Connection> connection, Watch watch);

  /// Asks of all of them again whether they may stay, and closes the connections of those who may not.
  void Review();

  /// Closes all connections. Also done by the destructor; what is added later is closed at once.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Added = std::pair<std::unique_ptr<Connection>, Watch>;
  struct Watcher;
  struct Frame;  // bytes that watchers share
  struct Piece;  // of a watcher's past

  // On the sending thread:
  void Run();
  void TakeAdded();
  bool MayStay(const Watcher& watcher) const;
  void DropTheUnwelcome();
  void TakePieces();
  void ReadNew();
  void ReadNewUpTo(std::uint64_t stored_seq);
  void BeginCatchUps();
  void SendAll();
  bool Send(Watcher* watcher);  // false when it is to be dropped
  std::string_view NextToSend(const Watcher& watcher);
  std::shared_ptr<const Frame> MakeFrame(const StoredEvent& event) const;
  void Await();
  void Drop(std::uint64_t id);

  void RunCatchUp();
  Piece CatchUp(const Piece& wanted);
  void Wake() const;

  EventStore* const store_;
  FairBudget* const memory_;
  FairBudget places_{kWatchersMax};
  const std::function<bool(const Caller&)> may_stay_;
  const int epoll_fd_;
  const int wake_fd_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<bool> must_review_ = false;

  // The sending thread's:
  std::map<std::uint64_t, std::unique_ptr<Watcher>> watchers_;
  std::string scratch_;         // small frames in one
  std::uint64_t next_id_ = 1;   // 0 is the wake-up's
  std::uint64_t tail_seq_ = 0;  // the live watchers have been sent all up to it
  Clock::time_point store_trouble_until_{};

  std::mutex mutex_;
  std::condition_variable wanted_changed_;
  bool stopping_ = false;     // guarded by mutex_
  std::vector<Added> added_;  // guarded by mutex_
  std::deque<Piece> wanted_;  // guarded by mutex_
  std::vector<Piece> done_;   // guarded by mutex_

  std::thread sender_;
  std::thread catcher_up_;
};

}  // namespace dedup::sidecar
