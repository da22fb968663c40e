// An event that was accepted but perhaps not handed on, with storage of its own.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/core/event/event.h"

namespace dedup {

/// Whatever it takes to hand the event on once more.
struct EventInDoubt {
  EventInDoubt() = default;
  explicit EventInDoubt(const Event& event)
      : seq(event.seq),
        qos(event.qos),
        retain(event.retain),
        topic(event.topic),
        event_id(event.event_id),
        is_id_only(event.rule.is_id_only),
        properties(event.properties),
        payload(event.payload) {}

  std::uint64_t seq = 0;
  std::uint8_t qos = 0;
  bool retain = false;
  std::string topic;
  std::string event_id;
  bool is_id_only = false;  ///< its row has no payload
  std::string properties;
  std::string payload;
};

}  // namespace dedup
