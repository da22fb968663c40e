// What makes a publish an event: an id in the payload's JSON object or in an MQTT v5 user property (design: "What an
// event is").
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

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
/// object.
///
/// kFound: it is a string of 1 to 256 bytes after unescaping, or an integer, which is taken as its decimal text.
/// kInvalid: it is there, but empty, longer, or of another type. kNone: not there, or the payload is not valid JSON.
/// The text points into `payload` or into `buffer`, so both must outlive its use. Never allocates.
EventId FindEventId(std::string_view payload, std::string_view member, EventIdBuffer& buffer);

/// The same verdict for an id that is already plain text (a user property's value).
EventId CheckEventId(std::string_view text);

}  // namespace dedup
