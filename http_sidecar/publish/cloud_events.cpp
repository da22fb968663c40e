#include "http_sidecar/publish/cloud_events.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "http_sidecar/base/ascii.h"
#include "http_sidecar/base/base64.h"
#include "http_sidecar/base/percent.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/events/source_and_id.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"
#include "plugin/core/text/utf8.h"

namespace dedup::sidecar {
namespace {

constexpr char kOne[] = "application/cloudevents+json";
constexpr char kBatch[] = "application/cloudevents-batch+json";

std::string MediaType(std::string_view content_type) {
  return AsciiLower(content_type.substr(0, content_type.find_first_of("; \t")));
}

/// The attributes of one event, values as JSON texts, in the order of their coming. They stay where they are while more
/// are appended.
using Attributes = std::deque<std::pair<std::string, std::string>>;

const std::string* Find(const Attributes& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &Attributes::value_type::first);
  return found == attributes.end() ? nullptr : &found->second;
}

// Appends the event, or says what is wrong with it.
std::optional<Problem> AppendEvent(const Attributes& attributes, std::size_t index, std::string_view default_topic,
                                   std::string* out) {
  const auto is_text = [](const std::string* value) {
    return value != nullptr && value->size() > 2 && (*value)[0] == '"';
  };
  for (const char* const name : {"id", "source", "specversion", "type"}) {
    if (!is_text(Find(attributes, name))) {
      return EventProblem(index, name, "is not there as a string that is not empty, as CloudEvents 1.0 wants it");
    }
  }
  if (!json::Means(*Find(attributes, "specversion"), "1.0")) {
    return EventProblem(index, "specversion", "takes 1.0, not " + *Find(attributes, "specversion"));
  }
  for (const char* const name : {"event_id", "timestamp", "payload"}) {
    if (Find(attributes, name) != nullptr) return EventProblem(index, name, "is no attribute that can be taken over");
  }
  const std::string* const topic = Find(attributes, "topic");
  if (topic == nullptr && default_topic.empty()) {
    return EventProblem(index, "topic", "is missing: it is ?topic= in the URL, or the extension attribute topic");
  }
  const std::string* const time = Find(attributes, "time");
  const std::string* const data = Find(attributes, "data");
  ObjectText event;
  event.AddRaw("topic", topic != nullptr ? *topic : Quoted(default_topic))
      .AddRaw("event_id", *Find(attributes, "id"))
      .AddRaw("timestamp", time != nullptr ? *time : Quoted(FormatTime(NowUs())))
      .AddRaw("source", *Find(attributes, "source"));
  if (data != nullptr) event.AddRaw("payload", *data);
  const std::set<std::string_view> taken = {"topic", "time", "source", "data"};
  for (const auto& [name, value] : attributes) {
    if (taken.contains(name)) continue;
    std::string quoted = Quoted(name);
    event.AddRaw(std::string_view(quoted).substr(1, quoted.size() - 2), value);
  }
  out->append(event.Take());
  return std::nullopt;
}

std::optional<Problem> AppendObject(std::string_view object, std::size_t index, std::string_view default_topic,
                                    std::string* out) {
  Attributes attributes;
  std::set<std::string_view> names;  // there may be a million of them
  json::Reader reader(object);
  if (!reader.EnterObject()) return EventProblem(index, "", "is not a JSON object");
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    std::string plain = json::Unescape(name);
    if (value.kind == json::Kind::kNull && plain != "data") continue;  // as if it were not there
    if (names.contains(plain)) continue;
    names.insert(attributes.emplace_back(std::move(plain), value.text).first);
  }
  return AppendEvent(attributes, index, default_topic, out);
}

std::variant<std::string, Problem> FromStructured(std::string_view body, bool is_batch, std::string_view topic) {
  json::Reader reader(body);
  json::Value value;
  std::string events;
  if (!is_batch) {
    if (!reader.ReadDocument(&value)) return InvalidJson(reader);
    if (auto problem = AppendObject(value.text, 0, topic, &events)) return *std::move(problem);
    return events;
  }
  if (!reader.EnterArray()) return Problem{problems::kInvalidJson, "a batch of CloudEvents is a JSON array"};
  std::optional<Problem> first;
  events.push_back('[');
  for (std::size_t index = 0; reader.NextElement(&value); ++index) {
    if (first) continue;  // invalid JSON behind it comes first
    if (index > 0) events.push_back(',');
    first = AppendObject(value.text, index, topic, &events);
  }
  if (!reader.ok()) return InvalidJson(reader);
  if (first) return *std::move(first);
  return events + "]";
}

std::variant<std::string, Problem> FromBinary(const Request& request, std::string_view topic) {
  Attributes attributes;
  for (const auto& [name, value] : request.headers_after("ce-")) {
    const std::string text = PercentDecoded(value, Plus::kIsItself);
    const auto refuse = [&](const char* flaw) {
      return Problem{problems::kInvalidParameter, "ce-" + AsciiLower(name) + flaw};
    };
    if (Find(attributes, AsciiLower(name)) != nullptr) return refuse(" stands there more than once; expected once");
    if (!IsUtf8(text)) return refuse(" takes UTF-8, percent-encoded");
    attributes.emplace_back(AsciiLower(name), Quoted(text));
  }
  const std::string type = MediaType(request.content_type);
  if (!type.empty()) attributes.emplace_back("datacontenttype", Quoted(request.content_type));
  if (type.empty() || type == "application/json" || type.ends_with("+json")) {
    json::Reader reader(request.body);
    json::Value value;
    if (!reader.ReadDocument(&value)) return InvalidJson(reader);
    attributes.emplace_back("data", value.text);
  } else if (type.starts_with("text/")) {
    attributes.emplace_back("data", Quoted(request.body));
  } else {
    std::string base64 = "\"";
    AppendBase64(request.body, &base64);
    attributes.emplace_back("data_base64", base64 + "\"");
  }
  std::string event;
  if (auto problem = AppendEvent(attributes, 0, topic, &event)) return *std::move(problem);
  return event;
}

}  // namespace

bool IsCloudEvent(const Request& request) {
  const std::string type = MediaType(request.content_type);
  return type == kOne || type == kBatch || !request.header("ce-id").empty();
}

std::variant<std::string, Problem> FromCloudEvents(const Request& request, std::string_view default_topic) {
  const std::string type = MediaType(request.content_type);
  if (type == kOne || type == kBatch) return FromStructured(request.body, type == kBatch, default_topic);
  return FromBinary(request, default_topic);
}

void IdentifyBySource(Batch* batch) {
  for (Event& event : batch->events) {
    event.id_property = IdOfSourceAndId(json::Unescape(event.source_text), event.event_id);
  }
}

}  // namespace dedup::sidecar
