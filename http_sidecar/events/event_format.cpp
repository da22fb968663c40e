#include "http_sidecar/events/event_format.h"

#include "http_sidecar/events/event_csv.h"
#include "http_sidecar/events/event_json.h"
#include "http_sidecar/http/accept.h"

namespace dedup::sidecar {
namespace {

void AppendLine(const StoredEvent& event, std::string* out) {
  AppendEventOnOneLine(event, out);
  out->push_back('\n');
}

constexpr EventFormat kLinesFormat{"application/x-ndjson", "", "", "", AppendLine, 'n'};
constexpr EventFormat kCsvFormat{
    "text/csv; charset=utf-8; header=present", kEventCsvHeader, "", "", AppendEventCsv, 'c'};

const EventFormat* FormatOf(std::string_view type) {
  if (type == "application/x-ndjson" || type == "application/ndjson") return &kLinesFormat;
  if (type == "text/csv") return &kCsvFormat;
  if (type == "application/json" || type == "application/*" || type == "*/*") return &kJsonFormat;
  return nullptr;
}

}  // namespace

const EventFormat kJsonFormat{"application/json", "[", ",\n", "]", AppendEventJson, 'j'};

const EventFormat& ChooseFormat(std::string_view accept) {
  const EventFormat* best = &kJsonFormat;
  double best_quality = 0;
  ForEachAccepted(accept, [&](std::string_view type, double quality) {
    const EventFormat* const format = FormatOf(type);
    if (format == nullptr || quality <= best_quality) return;
    best = format;
    best_quality = quality;
  });
  return *best;
}

}  // namespace dedup::sidecar
