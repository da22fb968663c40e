// An accepted event, as a value that owns nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugin/core/base/clock.h"
#include "plugin/core/event/publish.h"

namespace dedup {

/// An accepted event. The views belong to whoever made it: the broker's message, or the journal's mapping.
struct Event {
  std::uint64_t seq = 0;
  Timestamp accepted{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;
  std::string_view event_id;
  std::string_view properties;  ///< MQTT v5 properties as the broker room (plugin/broker) encodes them; opaque here
  std::string_view payload;
};

/// The views are the publish's and the id's.
inline Event MakeEvent(const Publish& publish, std::string_view event_id, std::uint64_t seq,
                       const Timestamp& accepted) {
  return {.seq = seq,
          .accepted = accepted,
          .qos = publish.qos,
          .retain = publish.retain,
          .topic = publish.topic,
          .event_id = event_id,
          .properties = publish.properties,
          .payload = publish.payload};
}

}  // namespace dedup
