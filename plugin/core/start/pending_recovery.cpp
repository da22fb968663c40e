#include "plugin/core/start/pending_recovery.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "plugin/core/base/clock.h"

namespace dedup {
namespace {
constexpr std::chrono::steady_clock::duration kPauseMin = std::chrono::seconds(2);
constexpr char kNoMemory[] = "no memory";  // short enough for a string to need none
}  // namespace

PendingRecovery::PendingRecovery(const Options& options, LogQueue& log, std::string trouble)
    : options_(options), log_(log), trouble_(std::move(trouble)) {
  thread_ = std::thread([this] { Run(); });
  const std::lock_guard lock(mutex_);
  LogTrouble();
}

PendingRecovery::~PendingRecovery() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

std::optional<Recovered> PendingRecovery::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(recovered_, std::nullopt);
}

std::string PendingRecovery::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void PendingRecovery::LogTrouble() {
  if (!trouble_log_.Allow(MonotonicMs())) return;
  log_.AddMade(LogLevel::kError, [&] {
    return "events cannot be stored: " + trouble_ +
           (options_.on_store_failure == OnStoreFailure::kPass
                ? "; until they can, they are handed on unrecognised"
                : "; until they can, their publishers are disconnected") +
           ", trying again (said once a minute)";
  });
}

void PendingRecovery::Run() {
  std::unique_lock lock(mutex_);
  auto pause = kPauseMin;
  while (!stopped_.wait_for(lock, pause, [this] { return stop_; })) {
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    std::optional<Recovered> recovered;
    std::string trouble;
    try {
      recovered.emplace(Recover(options_, log_));
    } catch (const std::exception& error) {
      try {
        trouble = error.what();
      } catch (const std::bad_alloc&) {
        trouble = kNoMemory;
      }
    }
    // An attempt that takes long, at a large database say, is not to take all of the disk's time.
    pause = std::max(kPauseMin, std::chrono::steady_clock::now() - start);
    lock.lock();
    if (recovered) {
      recovered_ = std::move(recovered);
      return;
    }
    trouble_ = std::move(trouble);
    LogTrouble();
  }
}

}  // namespace dedup
