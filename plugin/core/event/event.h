// An accepted event, as a value that owns nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugin/core/base/clock.h"
#include "plugin/core/event/key.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/event/window.h"

namespace dedup {

/// What a rule has made of an event.
struct EventRule {
  std::string_view name{};  ///< empty: the one of the options did; of that nothing else is kept, and KeyOf has the key
  KeyHash key{};
  std::int64_t window_ms = kPluginWindow;
  bool is_id_only = false;  ///< the row keeps no payload
};

/// An accepted event. The views belong to whoever made it: the broker's message, or the journal's mapping.
struct Event {
  std::uint64_t seq = 0;
  Timestamp accepted{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;
  std::string_view event_id;  ///< with a rule: the key as a text for people
  EventRule rule{};
  std::string_view properties;  ///< MQTT v5 properties as the broker room (plugin/broker) encodes them; opaque here
  std::string_view payload;
};

/// The views are the publish's and the id's.
inline Event MakeEvent(const Publish& publish, std::string_view event_id, const EventRule& rule, std::uint64_t seq,
                       const Timestamp& accepted) {
  return {.seq = seq,
          .accepted = accepted,
          .qos = publish.qos,
          .retain = publish.retain,
          .topic = publish.topic,
          .event_id = event_id,
          .rule = rule,
          .properties = publish.properties,
          .payload = publish.payload};
}

/// The key of an event, however it was made.
inline KeyHash KeyOf(const HashSecret& secret, const Event& event) {
  return event.rule.name.empty() ? HashKey(secret, event.topic, event.event_id) : event.rule.key;
}

}  // namespace dedup
