// The third thread: it forces the journal to the disk, so that nothing that the store waits for can hold that up.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "plugin/core/base/log.h"
#include "plugin/core/journal/journal.h"

namespace dedup {

/// Syncs the journal every `interval` when something was appended, and tries again until it succeeds when a sync
/// failed.
///
/// Threading: the constructor starts the thread, the destructor stops it. Ownership: refers to its arguments, which
/// must outlive it. Errors: said in the log once a minute; Journal::healthy() tells the main thread.
class Syncer {
 public:
  /// With an interval of 0 the main thread syncs by itself, and only the trying again is left to do.
  Syncer(Journal& journal, LogQueue& log, std::chrono::milliseconds interval);
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;
  ~Syncer();

 private:
  void Run();
  void SyncIfNeeded();

  Journal& journal_;
  LogQueue& log_;
  const std::chrono::milliseconds interval_;
  std::uint64_t synced_position_;
  std::chrono::steady_clock::time_point next_sync_{};
  OncePerMinute failure_log_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;  // last, for it uses all of the above
};

}  // namespace dedup
