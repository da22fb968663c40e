// A data directory that could not be used at the start, tried again until it can.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "plugin/core/base/log.h"
#include "plugin/core/options.h"
#include "plugin/core/start/recovery.h"

namespace dedup {

/// Tries to recover every two seconds, or as seldom as an attempt takes long, until it succeeds.
///
/// Threading: has a thread of its own, because a failing disk or a locked database may keep an attempt waiting; the
/// functions are for the main thread, and the destructor waits for an attempt that is under way. Ownership: refers to
/// options and log, which must outlive it.
class PendingRecovery {
 public:
  /// `trouble`: why the first attempt failed.
  PendingRecovery(const Options& options, LogQueue& log, std::string trouble);
  PendingRecovery(const PendingRecovery&) = delete;
  PendingRecovery& operator=(const PendingRecovery&) = delete;
  ~PendingRecovery();

  /// The data directory once an attempt has succeeded, to be had once.
  std::optional<Recovered> Take();

  /// Why the newest attempt failed.
  std::string trouble() const;

 private:
  void Run();
  void LogTrouble();

  const Options& options_;
  LogQueue& log_;
  OncePerMinute trouble_log_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::string trouble_;
  std::optional<Recovered> recovered_;
  bool stop_ = false;
  std::thread thread_;  // last, for it uses all of the above
};

}  // namespace dedup
