// Stored events as lines of CSV (RFC 4180).
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// The first line of a list.
inline constexpr std::string_view kEventCsvHeader =
    "seq,received_at,topic,event_id,timestamp,source,payload,payload_base64,message,rule,key\r\n";

/// Appends one event's line: what AppendEventJson shows, strings without quotes and escapes, other values as JSON, null
/// as nothing. A string that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or CR) has an
/// apostrophe in front.
void AppendEventCsv(const StoredEvent& event, std::string* out);

}  // namespace dedup::sidecar
