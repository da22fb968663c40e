// What the answer to a POST /publish says of each event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http_sidecar/mqtt/batch.h"
#include "plugin/core/event/outcome.h"

namespace dedup::sidecar {

/// An outcome and, for a duplicate whose full result is asked for, what the store knows of its first.
struct Result {
  Outcome outcome;
  std::optional<std::int64_t> first_received_us = {};  ///< nothing when its row is gone
  bool is_conflict = false;                            ///< the first has another payload
};

/// {"event_id":"a","verdict":"duplicate","seq":17,"first_received_at":"…"}
std::string ResultText(const Event& event, const Result& result);

}  // namespace dedup::sidecar
