// What the endpoints share: the parts that they ask, and what they count.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include "http_sidecar/auth/tokens.h"
#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/endpoints/request_durations.h"
#include "http_sidecar/events/event_store.h"
#include "http_sidecar/events/watchers.h"
#include "http_sidecar/history/history.h"
#include "http_sidecar/history/recorder.h"
#include "http_sidecar/http/idempotency.h"
#include "http_sidecar/mqtt/publisher.h"
#include "http_sidecar/publish/intake.h"

namespace dedup::sidecar {

/// Threading: every member from any thread. Errors: StorageError.
class Api {
 public:
  /// The publisher and the tokens must outlive it. `memory_bytes`: for all bytes of clients that are in work.
  Api(std::filesystem::path data_dir, Publisher* the_publisher, const Tokens* the_tokens, std::size_t memory_bytes);

  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  FairBudget memory;  ///< in bytes
  EventStore store;
  Publisher* const publisher;
  const Tokens* const tokens;
  Intake intake;
  Watchers watchers;
  Idempotency idempotency;
  RequestDurations request_durations;
  History history;

 private:
  std::optional<Reading> ReadCounters();

  Recorder recorder_;  // last: its thread uses all of the above
};

}  // namespace dedup::sidecar
