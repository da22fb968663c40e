// A stored event's payload, as the lists of events show it: whatever was published can be read back whole.
#pragma once

#include <string_view>

#include "plugin/core/store/event_filter.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {

/// Values without a text are null. All are untouched pieces of the event's payload, so numbers of any size, escapes and
/// zones stay as they were published.
struct ShownMembers {
  bool is_json = false;  ///< otherwise it can be shown as bytes only, and nothing else is set
  json::Value event_id;  ///< without a text: the payload has none, or another one than counted
  json::Value timestamp, source;
  json::Value payload;
  std::string_view message;  ///< the whole payload, where the others do not tell all of it; empty where they do
};

/// Members of a JSON object are shown under their names, the first of repeated ones. An object without `payload` is its
/// own payload, unless it is an event as POST /publish takes it, whose payload is null then; and so is JSON that is no
/// object. `message` is there where an object has a `payload` and something else that is not shown: further or repeated
/// members, another topic or id than the event's.
ShownMembers ShowMembers(const StoredEvent& event);

}  // namespace dedup::sidecar
