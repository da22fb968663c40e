// What publishers tell in a payload that is a JSON object, as the lists of events show it.
#pragma once

#include <string_view>

#include "plugin/core/text/json.h"

namespace dedup::sidecar {

/// The members that are shown, the first of repeated ones; null, without a text, where there is none.
struct PostedMembers {
  json::Value event_id, timestamp, source, payload;
};

/// The values point into `payload`. False when it is no JSON object; then `members` are none.
bool ReadPostedMembers(std::string_view payload, PostedMembers* members);

}  // namespace dedup::sidecar
