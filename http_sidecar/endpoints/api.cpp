#include "http_sidecar/endpoints/api.h"

#include <string>
#include <thread>
#include <utility>

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStoredPollInterval{1};

}  // namespace

Api::Api(std::filesystem::path the_data_dir, Publisher* the_publisher, const Tokens* the_tokens)
    : data_dir(std::move(the_data_dir)),
      readers(data_dir),
      publisher(the_publisher),
      tokens(the_tokens),
      journal_gate([this] { return ReadStatistics(); }),
      watchers(&readers, [this](const Caller& caller) { return tokens->Hold(caller); }) {}

Statistics Api::ReadStatistics() {
  return readers.Use([](EventReader& reader) { return reader.ReadStatistics(); });
}

std::optional<Statistics> Api::AwaitStored() {
  const Statistics statistics = ReadStatistics();
  if (!AwaitStored(statistics.accepted_seq)) return std::nullopt;
  return statistics;
}

bool Api::AwaitStored(std::uint64_t seq) {
  const Clock::time_point deadline = Clock::now() + kStoredPatience;
  while (readers.Use([](EventReader& reader) { return reader.StoredSeq(); }) < seq) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kStoredPollInterval);
  }
  return true;
}

std::string StoreTrouble(const StorageError& error) {
  return std::string("the event store cannot be read: ") + error.what();
}

Answer StoreBehind() { return ProblemAnswer({problems::kStoreUnavailable, kStoreIsBehind}); }

}  // namespace dedup::sidecar
