#include "http_sidecar/events/event_json.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "http_sidecar/base/base64.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/events/shown_members.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

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

}  // namespace

void AppendEventJson(const StoredEvent& event, std::string* out) {
  const ShownMembers members = ShowMembers(event);
  AppendTopic(event.topic, out);
  if (members.event_id.text.empty() && event.rule.empty()) {
    json::AppendQuoted(event.event_id, out);
  } else {
    AppendValue(members.event_id, out);
  }
  out->append(",\"timestamp\":");
  AppendValue(members.timestamp, out);
  out->append(",\"source\":");
  AppendValue(members.source, out);
  if (members.is_json) {
    out->append(",\"payload\":");
    AppendValue(members.payload, out);
    if (!members.message.empty()) out->append(",\"message\":").append(members.message);
  } else {
    out->append(",\"payload_base64\":\"");
    AppendBase64(event.payload, out);
    out->push_back('"');
  }
  if (!event.rule.empty()) {
    out->append(",\"rule\":");
    json::AppendQuoted(event.rule, out);
    out->append(",\"key\":");
    json::AppendQuoted(event.event_id, out);
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

}  // namespace dedup::sidecar
