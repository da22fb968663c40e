// Stored events as `GET /events` shows them: in JSON, and as lines of CSV.
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/store/event_reader.h"

namespace dedup::sidecar {

/// Appends one event as a JSON object: topic, event_id, timestamp, source, payload, seq, received_at.
///
/// Of a payload that is a JSON object, event_id, timestamp, source and payload are its own members' texts, untouched
/// (numbers of any size, escapes, zone), or null where it has none; the first of repeated members counts. topic is the
/// MQTT topic, and event_id the row's where the payload holds no or another one (it came in a user property).
/// Any other payload stands whole in payload_base64, in place of payload; timestamp and source are null.
void AppendEventJson(const StoredEvent& event, std::string* out);

/// The same without a line break: between the tokens of a posted payload there may be some.
void AppendEventOnOneLine(const StoredEvent& event, std::string* out);

/// The first line of a list of AppendEventCsv.
inline constexpr std::string_view kEventCsvHeader =
    "seq,received_at,topic,event_id,timestamp,source,payload,payload_base64\r\n";

/// As a line of CSV (RFC 4180): strings without quotes and escapes, other values as JSON, null as nothing.
void AppendEventCsv(const StoredEvent& event, std::string* out);

}  // namespace dedup::sidecar
