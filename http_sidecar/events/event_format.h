// The forms in which events are listed.
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// A list is `begin`, its events with `separator` between them, `end`.
struct EventFormat {
  std::string_view content_type;
  std::string_view begin, separator, end;
  void (*append_event)(const StoredEvent& event, std::string* out);
  char letter;  ///< tells a list from the same list in another form
};

/// A JSON array.
extern const EventFormat kJsonFormat;

/// The form that an Accept header (RFC 9110) likes best: JSON, application/x-ndjson (a line of JSON for each event) or
/// text/csv (RFC 4180, with a header line). JSON where it likes none of them.
const EventFormat& ChooseFormat(std::string_view accept);

}  // namespace dedup::sidecar
