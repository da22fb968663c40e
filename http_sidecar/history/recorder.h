// Reads the counters once a second, for their history.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "http_sidecar/history/history.h"

namespace dedup::sidecar {

/// Threading: a thread of its own, from the constructor to the destructor, which calls `read`. Errors: what `read`
/// throws counts as nothing read.
class Recorder {
 public:
  static constexpr std::chrono::seconds kInterval{1};

  /// `history`, and whatever `read` uses, must outlive it.
  Recorder(History* history, std::function<std::optional<Reading>()> read);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

 private:
  void Run();

  History* const history_;
  const std::function<std::optional<Reading>()> read_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopping_ = false;  // guarded by mutex_
  std::thread thread_;        // last, for it uses all of the above
};

}  // namespace dedup::sidecar
