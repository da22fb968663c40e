#include "pending_recovery.h"

#include <chrono>
#include <exception>
#include <utility>

#include "clock.h"

namespace dedup {
namespace {
constexpr std::chrono::seconds kPause{2};
}  // namespace

PendingRecovery::PendingRecovery(const Options& options, LogQueue& log, std::string trouble)
    : options_(options), log_(log), trouble_(std::move(trouble)) {
  LogTrouble();
  thread_ = std::thread([this] { Run(); });
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
  while (!stopped_.wait_for(lock, kPause, [this] { return stop_; })) {
    lock.unlock();
    std::optional<Recovered> recovered;
    std::string trouble;
    try {
      recovered.emplace(Recover(options_, log_));
    } catch (const std::exception& error) {
      trouble = error.what();
    }
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
