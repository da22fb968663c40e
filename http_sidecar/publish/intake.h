// Events on their way from a request to the broker, and back what became of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/problem.h"
#include "http_sidecar/events/event_store.h"
#include "http_sidecar/mqtt/batch.h"
#include "http_sidecar/mqtt/publisher.h"
#include "http_sidecar/publish/journal_gate.h"
#include "http_sidecar/publish/publish_options.h"
#include "http_sidecar/publish/result.h"

namespace dedup::sidecar {

/// Threading: any thread. Errors: StorageError.
class Intake {
 public:
  /// Both must outlive it.
  Intake(Publisher* publisher, EventStore* store);

  /// Waits for room in the plugin's journal, publishes the batch as the options say, and waits for what becomes of each
  /// of its events. Problems: a 403 when the caller may not publish to a topic of the batch, nothing of which is
  /// published then; those of Publisher::Publish; and a 503 when the store is behind, also when all was published and
  /// only the full results cannot be told. Publishing the same batch again is always safe.
  std::variant<std::vector<Result>, Problem> Publish(const Caller& caller, std::shared_ptr<Batch> batch,
                                                     const PublishOptions& options);

  /// Ids that came again with another payload, as far as somebody asked.
  std::uint64_t conflicts() const { return conflicts_; }

 private:
  std::variant<std::vector<Outcome>, Problem> PublishOnceThereIsRoom(std::shared_ptr<const Batch> batch);

  Publisher* const publisher_;
  EventStore* const store_;
  JournalGate gate_;
  std::atomic<std::uint64_t> conflicts_ = 0;
};

}  // namespace dedup::sidecar
