#include "http_sidecar/endpoints/api.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "plugin/core/contract/sync_durations.h"

namespace dedup::sidecar {

Api::Api(std::filesystem::path data_dir, Publisher* the_publisher, const Tokens* the_tokens, std::size_t memory_bytes)
    : memory(memory_bytes),
      store(std::move(data_dir)),
      publisher(the_publisher),
      tokens(the_tokens),
      intake(publisher, &store),
      watchers(&store, &memory, [this](const Caller& caller) { return tokens->Hold(caller); }),
      recorder_(&history, [this] { return ReadCounters(); }) {}

// Without the broker nothing is counted, and nothing is known of what comes.
std::optional<Reading> Api::ReadCounters() {
  if (!publisher->Trouble().empty()) return std::nullopt;
  const Statistics statistics = store.ReadStatistics();
  Reading reading{.events = statistics.received(),
                  .duplicates = statistics.duplicates,
                  .refused = statistics.refused + statistics.unstored};
  static_assert(std::size(SyncDurations{}.counts) <= Reading::kBuckets);
  static_assert(std::tuple_size_v<RequestDurations::Counts> <= Reading::kBuckets);
  std::ranges::copy(statistics.sync_durations.counts, reading.syncs.begin());
  std::ranges::copy(request_durations.CountsOf("/publish", 2), reading.publishes.begin());
  return reading;
}

}  // namespace dedup::sidecar
