#include "http_sidecar/events/shown_members.h"

#include "http_sidecar/events/source_and_id.h"

namespace dedup::sidecar {
namespace {

/// The envelope in which POST /publish takes events.
struct Envelope {
  json::Value topic, event_id, timestamp, source, payload;
  bool has_more = false;  // further members, or one twice

  json::Value* Named(std::string_view name) {
    if (name == "topic") return &topic;
    if (name == "event_id") return &event_id;
    if (name == "timestamp") return &timestamp;
    if (name == "source") return &source;
    if (name == "payload") return &payload;
    return nullptr;
  }

  // False when the document is no JSON object.
  bool Read(std::string_view document) {
    json::Reader reader(document);
    if (!reader.EnterObject()) return false;
    std::string_view name;
    json::Value value;
    while (reader.NextMember(&name, &value)) {
      json::Value* member = Named(json::Inner(name));
      if (member == nullptr && reader.has_escapes()) member = Named(json::Unescape(name));
      if (member != nullptr && member->text.empty()) {
        *member = value;
      } else {
        has_more = true;
      }
    }
    return reader.ok();
  }
};

bool IsText(const json::Value& member, std::string_view text) {
  return member.kind == json::Kind::kString && json::Means(member.text, text);
}

// Also where a CloudEvent's id counted together with its source.
bool IsSameId(const Envelope& envelope, std::string_view event_id) {
  const json::Value& id = envelope.event_id;
  if (id.kind == json::Kind::kNumber) return id.text == event_id;
  if (id.kind != json::Kind::kString) return false;
  if (json::Means(id.text, event_id)) return true;
  return envelope.source.kind == json::Kind::kString &&
         IdOfSourceAndId(json::Unescape(envelope.source.text), json::Unescape(id.text)) == event_id;
}

// With a rule the id counts for nothing, or as one part of a key: then the payload's own is the event's.
bool IsIdOf(const Envelope& envelope, const StoredEvent& event) {
  if (event.rule.empty()) return IsSameId(envelope, event.event_id);
  const json::Value& id = envelope.event_id;
  return id.kind == json::Kind::kString ||
         (id.kind == json::Kind::kNumber && id.text.find_first_not_of("-0123456789") == std::string_view::npos);
}

std::string_view WithoutSpaceAround(std::string_view document) {
  constexpr std::string_view kSpace = " \t\r\n";
  document.remove_prefix(document.find_first_not_of(kSpace));
  return document.substr(0, document.find_last_not_of(kSpace) + 1);
}

ShownMembers ShowNoObject(std::string_view document) {
  ShownMembers shown;
  json::Value value;
  if (!json::Reader(document).ReadDocument(&value)) return shown;
  shown.is_json = true;
  shown.payload = value;
  return shown;
}

}  // namespace

ShownMembers ShowMembers(const StoredEvent& event) {
  Envelope envelope;
  if (!envelope.Read(event.payload)) return ShowNoObject(event.payload);
  ShownMembers shown{.is_json = true,
                     .event_id = {},
                     .timestamp = envelope.timestamp,
                     .source = envelope.source,
                     .payload = envelope.payload,
                     .message = {}};
  const bool is_topic_shown = IsText(envelope.topic, event.topic);
  const bool is_id_shown = IsIdOf(envelope, event);
  if (is_id_shown) shown.event_id = envelope.event_id;
  const bool is_all_shown = !envelope.has_more && (is_topic_shown || envelope.topic.text.empty()) &&
                            (is_id_shown || envelope.event_id.text.empty());
  if (!envelope.payload.text.empty()) {
    if (!is_all_shown) shown.message = WithoutSpaceAround(event.payload);
  } else if (!is_all_shown || !is_topic_shown || !is_id_shown || envelope.timestamp.text.empty()) {
    shown.payload = {json::Kind::kObject, WithoutSpaceAround(event.payload)};
  }
  return shown;
}

}  // namespace dedup::sidecar
