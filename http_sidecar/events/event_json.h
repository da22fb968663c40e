// Stored events as `GET /events` shows them in JSON.
#pragma once

#include <string>

#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// Appends one event as a JSON object: topic, event_id, timestamp, source, payload, message where there is one, rule
/// and key where a rule has made the key, seq, received_at. topic is the MQTT topic, and event_id the row's where the
/// payload holds no or another one (it came in a user property); with a rule, the payload's or null. For the others see
/// ShowMembers. A payload that is no JSON stands in payload_base64, in place of
/// payload; timestamp and source are null.
void AppendEventJson(const StoredEvent& event, std::string* out);

/// The same without a line break: between the tokens of a posted payload there may be some.
void AppendEventOnOneLine(const StoredEvent& event, std::string* out);

}  // namespace dedup::sidecar
