// An accepted event, as a value that owns nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugin/core/base/clock.h"

namespace dedup {

/// An accepted event. The views belong to whoever made it: the broker's message, or the journal's mapping.
struct Event {
  std::uint64_t seq = 0;
  Timestamp accepted{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;
  std::string_view event_id;
  std::string_view properties;  ///< MQTT v5 properties as the C face encodes them; opaque here
  std::string_view payload;
};

}  // namespace dedup
