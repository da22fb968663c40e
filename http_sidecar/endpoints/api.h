// What the endpoints share: the store, the publisher, and how long to wait for either.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "http_sidecar/auth/tokens.h"
#include "http_sidecar/endpoints/request_durations.h"
#include "http_sidecar/events/reader_pool.h"
#include "http_sidecar/events/watchers.h"
#include "http_sidecar/http/answer.h"
#include "http_sidecar/http/idempotency.h"
#include "http_sidecar/mqtt/publisher.h"
#include "http_sidecar/publish/journal_gate.h"
#include "plugin/core/base/errors.h"
#include "plugin/core/store/event_reader.h"

namespace dedup::sidecar {

inline constexpr std::chrono::seconds kStoredPatience{3};

/// Threading: every member from any thread. Errors: StorageError.
class Api {
 public:
  /// The publisher and the tokens must outlive it.
  Api(std::filesystem::path the_data_dir, Publisher* the_publisher, const Tokens* the_tokens);

  const std::filesystem::path data_dir;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  ReaderPool readers;
  Publisher* const publisher;
  const Tokens* const tokens;
  JournalGate journal_gate;
  Watchers watchers;
  Idempotency idempotency;
  RequestDurations request_durations;
  std::atomic<std::uint64_t> conflicts = 0;  ///< ids that came again with another payload, as far as somebody asked

  Statistics ReadStatistics();

  /// What was acknowledged before this call is in the store when it returns: the counters then, or nothing when that
  /// took too long.
  std::optional<Statistics> AwaitStored();

  /// Whether the events up to `seq`, which were accepted, are in the store when it returns; false when that took too
  /// long.
  bool AwaitStored(std::uint64_t seq);
};

inline constexpr char kStoreIsBehind[] = "the event store is more than 3 s behind; try again later";

/// Answers for a store that cannot be read, or is behind.
std::string StoreTrouble(const StorageError& error);
Answer StoreBehind();

}  // namespace dedup::sidecar
