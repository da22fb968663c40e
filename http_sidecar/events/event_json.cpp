#include "http_sidecar/events/event_json.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "http_sidecar/base/base64.h"
#include "http_sidecar/base/time.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

// The members that are shown; null, without a text, where there is none.
struct Members {
  json::Value event_id, timestamp, source, payload;

  json::Value* Named(std::string_view name) {
    if (name == "event_id") return &event_id;
    if (name == "timestamp") return &timestamp;
    if (name == "source") return &source;
    if (name == "payload") return &payload;
    return nullptr;
  }
};

// False when the payload is no JSON object; then `members` are none.
bool ReadMembers(std::string_view payload, Members* members) {
  json::Reader reader(payload);
  if (!reader.EnterObject()) return false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    json::Value* member = members->Named(json::Inner(name));
    if (member == nullptr && reader.has_escapes()) member = members->Named(json::Unescape(name));
    if (member != nullptr && member->text.empty()) *member = value;
  }
  if (reader.ok()) return true;
  *members = {};
  return false;
}

bool IsSameId(const json::Value& member, std::string_view event_id) {
  if (member.kind == json::Kind::kString) return json::Means(member.text, event_id);
  return member.kind == json::Kind::kNumber && member.text == event_id;
}

void AppendValue(const json::Value& value, std::string* out) { out->append(value.text.empty() ? "null" : value.text); }

// {"topic":"t/1","event_id":
void AppendTopic(std::string_view topic, std::string* out) {
  // In a list many events share a topic.
  struct Topic {
    std::string topic, text;
  };
  thread_local Topic last;
  if (last.topic.empty() || last.topic != topic) {
    last.topic.clear();  // until its text is whole
    last.text.assign("{\"topic\":");
    json::AppendQuoted(topic, &last.text);
    last.text.append(",\"event_id\":");
    last.topic = topic;
  }
  out->append(last.text);
}

constexpr std::size_t kNumberBytesMax = 20;

char* Put(std::string_view text, char* at) { return std::ranges::copy(text, at).out; }

char* PutNumber(std::uint64_t number, char* at) { return std::to_chars(at, at + kNumberBytesMax, number).ptr; }

void AppendCsvField(std::string_view text, std::string* out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) out->append(c == '"' ? 2 : 1, c);
  out->push_back('"');
}

std::string CsvText(const json::Value& value) {
  if (value.kind == json::Kind::kNull) return {};
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string(value.text);
}

}  // namespace

void AppendEventJson(const StoredEvent& event, std::string* out) {
  Members members;
  const bool is_object = ReadMembers(event.payload, &members);
  AppendTopic(event.topic, out);
  if (IsSameId(members.event_id, event.event_id)) {
    AppendValue(members.event_id, out);
  } else {
    json::AppendQuoted(event.event_id, out);
  }
  out->append(",\"timestamp\":");
  AppendValue(members.timestamp, out);
  out->append(",\"source\":");
  AppendValue(members.source, out);
  if (is_object) {
    out->append(",\"payload\":");
    AppendValue(members.payload, out);
  } else {
    out->append(",\"payload_base64\":\"");
    AppendBase64(event.payload, out);
    out->push_back('"');
  }
  // Each append costs, and the size of these is known.
  constexpr std::string_view kSeq = ",\"seq\":", kReceivedAt = ",\"received_at\":\"", kEnd = "\"}";
  char rest[kSeq.size() + kNumberBytesMax + kReceivedAt.size() + kTimeBytes + kEnd.size()];
  char* end = PutNumber(event.seq, Put(kSeq, rest));
  end = Put(kEnd, PutTime(event.received_us, Put(kReceivedAt, end)));
  out->append(rest, end);
}

void AppendEventOnOneLine(const StoredEvent& event, std::string* out) {
  const auto begin = static_cast<std::string::difference_type>(out->size());
  AppendEventJson(event, out);
  // Strings hold none, so these are but whitespace.
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out->begin() + begin, out->end(), is_break, ' ');
}

void AppendEventCsv(const StoredEvent& event, std::string* out) {
  Members members;
  const bool is_object = ReadMembers(event.payload, &members);
  char start[kNumberBytesMax + kTimeBytes + 2];
  char* end = Put(",", PutNumber(event.seq, start));
  end = Put(",", PutTime(event.received_us, end));
  out->append(start, end);
  AppendCsvField(event.topic, out);
  out->push_back(',');
  AppendCsvField(event.event_id, out);
  for (const auto* const member : {&members.timestamp, &members.source, &members.payload}) {
    out->push_back(',');
    AppendCsvField(CsvText(*member), out);
  }
  out->push_back(',');
  if (!is_object) AppendBase64(event.payload, out);
  out->append("\r\n");
}

}  // namespace dedup::sidecar
