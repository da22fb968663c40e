#include "http_sidecar/publish/journal_gate.h"

#include <thread>

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{1};

}  // namespace

JournalGate::Pass::~Pass() {
  const std::lock_guard lock(gate_->mutex_);
  gate_->bytes_inside_ -= bytes_;
}

bool JournalGate::Enter(std::size_t bytes, std::chrono::milliseconds patience, std::optional<Pass>* pass) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!TryEnter(bytes)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  pass->emplace(this, bytes);
  return true;
}

bool JournalGate::TryEnter(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  // Under the lock: a body that leaves is in the journal by then, so it is counted here or there, never nowhere.
  const Statistics statistics = read_statistics_();
  const std::uint64_t used = statistics.journal_used_bytes;
  const std::uint64_t size = statistics.journal_size_bytes;
  // Half of it, for what the plugin is giving back is no longer counted as used a while before it can be used again.
  const bool has_room = used + bytes_inside_ + bytes <= size / 2;
  // A batch may be larger than the journal, for the store is written meanwhile; and a quarter of the journal may stay
  // in use until the plugin sees a reason to give it back.
  const bool is_alone = bytes_inside_ == 0 && used <= size / 4;
  if (!has_room && !is_alone) return false;
  bytes_inside_ += bytes;
  return true;
}

}  // namespace dedup::sidecar
