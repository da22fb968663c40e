#include "http_sidecar/events/event_csv.h"

#include "http_sidecar/base/base64.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/events/shown_members.h"

namespace dedup::sidecar {
namespace {

void AppendCsvField(std::string_view text, std::string* out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) out->append(c == '"' ? 2 : 1, c);
  out->push_back('"');
}

// A text for people: spreadsheets take one that begins like a formula for one, and run it.
void AppendCsvText(std::string text, std::string* out) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos) text.insert(0, 1, '\'');
  AppendCsvField(text, out);
}

void AppendCsvValue(const json::Value& value, std::string* out) {
  if (value.kind == json::Kind::kNull) return;
  if (value.kind == json::Kind::kString) return AppendCsvText(json::Unescape(value.text), out);
  AppendCsvField(value.text, out);
}

}  // namespace

void AppendEventCsv(const StoredEvent& event, std::string* out) {
  const ShownMembers members = ShowMembers(event);
  char time[kTimeBytes];
  out->append(std::to_string(event.seq)).append(",").append(time, PutTime(event.received_us, time)).append(",");
  AppendCsvText(std::string(event.topic), out);
  out->push_back(',');
  if (event.rule.empty()) {
    AppendCsvText(std::string(event.event_id), out);
  } else {
    AppendCsvValue(members.event_id, out);
  }
  for (const auto* const member : {&members.timestamp, &members.source, &members.payload}) {
    out->push_back(',');
    AppendCsvValue(*member, out);
  }
  out->push_back(',');
  if (!members.is_json) AppendBase64(event.payload, out);
  out->push_back(',');
  AppendCsvField(members.message, out);
  out->push_back(',');
  AppendCsvText(std::string(event.rule), out);  // which may begin with a minus
  out->push_back(',');
  if (!event.rule.empty()) AppendCsvText(std::string(event.event_id), out);
  out->append("\r\n");
}

}  // namespace dedup::sidecar
