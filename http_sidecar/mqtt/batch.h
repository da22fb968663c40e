// Events that are published together, as one request posted them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/base/problem.h"

namespace dedup::sidecar {

/// A valid event. The views point into its batch's body.
struct Event {
  std::string topic;                  ///< escapes resolved
  std::string event_id;               ///< escapes resolved; may hold NUL bytes
  std::string_view event_id_text;     ///< as posted, with its quotes
  std::string_view payload;           ///< the event's JSON object, byte for byte as posted
  std::string_view source_text = {};  ///< as posted; empty: none
  std::string id_property = {};       ///< what the plugin is to take for the id, if that is not event_id; else empty
};

/// What one request posted. Never changes once the publisher has it, so threads may share it from then on.
struct Batch {
  Batch() = default;
  Batch(const Batch&) = delete;  // the events' views point into this very body
  Batch& operator=(const Batch&) = delete;

  std::string body;
  std::vector<Event> events;
  // How they are published.
  int qos = 1;
  bool retain = false;
};

/// kInvalidEvent, "events[3].topic: " and the reason: the form of every complaint about an event.
Problem EventProblem(std::size_t index, std::string_view member, std::string_view reason);

}  // namespace dedup::sidecar
