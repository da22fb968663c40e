#include "http_sidecar/events/event_store.h"

#include <thread>

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{1};

}  // namespace

Statistics EventStore::ReadStatistics() {
  return Read([](EventReader& reader) { return reader.ReadStatistics(); });
}

std::optional<Statistics> EventStore::AwaitStored() {
  const Statistics statistics = ReadStatistics();
  if (!AwaitStored(statistics.accepted_seq)) return std::nullopt;
  return statistics;
}

bool EventStore::AwaitStored(std::uint64_t seq) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (Read([](EventReader& reader) { return reader.StoredSeq(); }) < seq) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

std::uint64_t EventStore::DiskFreeBytes() const { return std::filesystem::space(data_dir_).available; }

std::unique_ptr<EventReader> EventStore::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return std::make_unique<EventReader>(data_dir_);
}

void EventStore::Return(std::unique_ptr<EventReader> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(reader));
}

Problem StoreTrouble(const StorageError& error) {
  return {problems::kStoreUnavailable, std::string("the event store cannot be read: ") + error.what()};
}

Problem StoreIsBehind() {
  return {problems::kStoreUnavailable, "the event store is more than 3 s behind; try again later"};
}

}  // namespace dedup::sidecar
