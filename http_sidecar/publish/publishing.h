// Events on their way from a request to the broker, and what the answer says of each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http_sidecar/base/sha256.h"
#include "http_sidecar/endpoints/api.h"
#include "http_sidecar/publish/parse_batch.h"
#include "plugin/core/event/outcome.h"

namespace dedup::sidecar {

/// What the query of a POST /publish asks for.
struct PublishOptions {
  int qos = 1;
  bool retain = false;
  bool full_results = false;
};
/// The problem, a 400, names the parameter and what it takes.
std::variant<PublishOptions, Problem> ParsePublishOptions(std::string_view target);

/// Waits for room in the plugin's journal, publishes, and waits for the outcomes. A 403 when the caller may not publish
/// to a topic of the batch. Errors: StorageError.
std::variant<std::vector<Outcome>, Problem> PublishBatch(Api& api, const Caller& caller,
                                                         const std::shared_ptr<const Batch>& batch);

/// An outcome and, for a duplicate, what the store knows of its first.
struct Result {
  Outcome outcome;
  std::optional<std::int64_t> first_received_us = {};  ///< nothing when its row is gone
  bool is_conflict = false;                            ///< the first has another payload
};
/// Compares each duplicate with its first, where the caller may read that; conflicts are counted. Waits for firsts that
/// are not stored yet; a 503 when that takes too long, for what they hold is not known then. Errors: StorageError.
std::variant<std::vector<Result>, Problem> LookUpFirsts(Api& api, const Caller& caller, const Batch& batch,
                                                        const std::vector<Outcome>& outcomes);

/// {"event_id":"a","verdict":"duplicate","seq":17,"first_received_at":"…"}
std::string ResultText(const Event& event, const Result& result);

/// Two events whose hashes are the same carry the same `payload`: the same JSON text but for the whitespace between its
/// tokens. Nothing where an event has none.
std::optional<Sha256> HashOfPayload(std::string_view event_json);

}  // namespace dedup::sidecar
