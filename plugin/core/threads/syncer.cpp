#include "plugin/core/threads/syncer.h"

#include <algorithm>
#include <string>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/patience.h"
#include "plugin/core/threads/thread.h"

namespace dedup {
namespace {
// How often to look whether a sync has failed, wherever that was.
constexpr std::chrono::milliseconds kLookInterval{100};
// On a busy machine others go first, while a sync comes no later for it than this, and this part of the interval.
constexpr std::chrono::milliseconds kPatienceMax{500};
constexpr int kPatiencesPerInterval = 10;
}  // namespace

Syncer::Syncer(Journal& journal, LogQueue& log, std::chrono::milliseconds interval)
    : journal_(journal),
      log_(log),
      interval_(interval),
      synced_position_(journal.appended_position()),
      thread_(StartThread(journal.data_dir(), [this] { Run(); })) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

void Syncer::Run() {
  const std::chrono::nanoseconds look = interval_.count() == 0 ? kLookInterval : std::min(interval_, kLookInterval);
  std::chrono::nanoseconds pause = look;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, pause, [this] { return stop_; })) {
    lock.unlock();
    SyncIfNeeded();
    // What the sync took is part of the interval; but one that took longer is not followed by the next at once.
    const std::chrono::nanoseconds left = next_sync_ - std::chrono::steady_clock::now();
    pause = left.count() > 0 ? std::min(left, look) : look;
    lock.lock();
  }
}

void Syncer::SyncIfNeeded() {
  const std::uint64_t position = journal_.appended_position();
  const bool was_healthy = journal_.healthy();
  const auto now = std::chrono::steady_clock::now();
  if (was_healthy && (interval_.count() == 0 || position == synced_position_ || now < next_sync_)) return;
  next_sync_ = now + interval_;
  const std::chrono::nanoseconds patience =
      std::min<std::chrono::nanoseconds>(interval_ / kPatiencesPerInterval, kPatienceMax);
  BePatientUntil([patience](std::chrono::nanoseconds given_up) { return given_up >= patience; });
  try {
    journal_.Sync();
    synced_position_ = position;
    if (!was_healthy) {
      failure_log_ = {};
      log_.AddMade(LogLevel::kNotice, [] { return "the journal is synced again, events are accepted"; });
    }
  } catch (const std::exception& error) {
    if (failure_log_.Allow(MonotonicMs())) {
      log_.AddMade(LogLevel::kError, [&] {
        return std::string("cannot sync the journal: ") + error.what() +
               "; events are not accepted until it succeeds, trying again";
      });
    }
  }
}

}  // namespace dedup
