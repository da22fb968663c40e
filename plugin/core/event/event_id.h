// What makes a publish an event: an id in the payload's JSON object or in an MQTT v5 user property.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "plugin/core/text/json.h"

namespace dedup {

inline constexpr std::size_t kEventIdBytesMax = 256;

enum class EventIdStatus { kFound, kNone, kInvalid };

struct EventId {
  EventIdStatus status = EventIdStatus::kNone;
  std::string_view text;  ///< with kFound: 1 to 256 bytes, escapes resolved
};

/// Room for an id whose escapes must be resolved.
using EventIdBuffer = std::array<char, kEventIdBytesMax>;

/// Looks for the first top-level member called `member` (its name after unescaping) of a payload that is one JSON
/// object, in two steps, for a caller that has a use for the time between them.
///
/// kFound: it is a string of 1 to 256 bytes after unescaping, or an integer, which is taken as its decimal text.
/// kInvalid: it is there, but empty, longer, or of another type. kNone: not there, or the payload is not valid JSON.
/// The text points into `payload` or into `buffer`, so both must outlive its use. Never allocates.
class EventIdSearch {
 public:
  EventIdSearch(std::string_view payload, std::string_view member, EventIdBuffer& buffer);

  /// What Finish will say if the rest of the payload turns out to be JSON too; kNone is final.
  const EventId& candidate() const { return candidate_; }
  /// Reads the rest. To be called once.
  EventId Finish();
  /// Whether the payload begins as an object that may have the member, and is not valid JSON, as far as it was read.
  bool is_broken() const { return !reader_.ok(); }

 private:
  json::Reader reader_;
  EventId candidate_;
};

/// What is found where a member has that value; `has_escapes`: a string's text has some, or might.
EventId EventIdOf(const json::Value& value, bool has_escapes, EventIdBuffer& buffer);

/// The same verdict for an id that is already plain text (a user property's value).
EventId CheckEventId(std::string_view text);

}  // namespace dedup
