// The first of each duplicate: when it came, and whether it carried the same payload.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/problem.h"
#include "http_sidecar/base/sha256.h"
#include "http_sidecar/events/event_store.h"
#include "http_sidecar/mqtt/batch.h"
#include "http_sidecar/publish/result.h"
#include "plugin/core/event/outcome.h"
#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// A result for each outcome of the batch's events. Compares each duplicate with its first, where the caller may read
/// that. Waits for firsts that are not stored yet; a 503 when that takes too long, for what they hold is not known
/// then. Errors: StorageError.
std::variant<std::vector<Result>, Problem> LookUpFirsts(EventStore* store, const Caller& caller, const Batch& batch,
                                                        const std::vector<Outcome>& outcomes);

/// Two events whose hashes are the same carry the same payload as GET /events shows it: the same JSON text but for the
/// whitespace between its tokens, or the same bytes. Nothing where an event has none.
std::optional<Sha256> HashOfPayload(const StoredEvent& event);

}  // namespace dedup::sidecar
