// The events of a POST /publish: what they must be, and what is wrong with those that are not.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "http_sidecar/base/problem.h"
#include "http_sidecar/mqtt/batch.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {

inline constexpr std::size_t kEventsPerBatchMax = 100'000;
inline constexpr std::size_t kTopicBytesMax = 65'535;

/// The events of a body that is one event or an array of events, in order; all valid, or the first problem:
/// kInvalidJson, kTooLarge beyond kEventsPerBatchMax, or kInvalidEvent, with its index and member in the
/// detail: `events[3].timestamp: "2024-13-01" is not an ISO 8601 date or date-time`.
///
/// An event is an object with `topic` (1 to kTopicBytesMax bytes, no `+`, `#`, NUL, no `$` in front), `event_id`
/// (a string of 1 to 256 bytes), `timestamp` (see IsTimestamp), and if it likes `source` (string or null), `payload`
/// (anything) and others. One of these five that stands there twice is a kInvalidJson.
std::variant<std::shared_ptr<Batch>, Problem> ParseBatch(std::string body);

/// Events of a stream, of which each line is one.
struct Lines {
  struct Flaw {
    std::size_t index;  ///< of the line in the stream, from 0 on
    Problem problem;
  };
  std::shared_ptr<Batch> batch;      ///< the valid ones
  std::vector<std::size_t> indexes;  ///< of their lines
  std::vector<Flaw> flaws;           ///< the others, in order
};
/// Reads whole lines; the first has the index `first_index`. Empty ones are left out.
Lines ParseLines(std::string body, std::size_t first_index);

/// kInvalidJson, where and why the reader has stopped.
Problem InvalidJson(const json::Reader& reader);

}  // namespace dedup::sidecar
