#include "http_sidecar/publish/parse_batch.h"

#include <algorithm>
#include <utility>

#include "http_sidecar/base/time.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kShownBytesMax = 80;

// A value as posted, for a message: cut short where it is long, but not inside a character.
std::string Shown(std::string_view text) {
  if (text.size() <= kShownBytesMax) return std::string(text);
  std::size_t size = kShownBytesMax;
  while ((static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "…";
}

struct Members {
  std::optional<json::Value> topic, event_id, timestamp, source, payload;
  std::string_view repeated = {};  // the name of one that stands there twice
};

Members ReadMembers(std::string_view object) {
  Members members;
  const std::pair<std::string_view, std::optional<json::Value>*> wanted[] = {{"topic", &members.topic},
                                                                             {"event_id", &members.event_id},
                                                                             {"timestamp", &members.timestamp},
                                                                             {"source", &members.source},
                                                                             {"payload", &members.payload}};
  json::Reader reader(object);
  reader.EnterObject();
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    for (const auto& [wanted_name, member] : wanted) {
      if (!json::Means(name, wanted_name)) continue;
      if (*member) members.repeated = wanted_name;
      *member = value;
    }
  }
  return members;
}

// Each check returns what is wrong, or an empty string.

std::string CheckString(const std::optional<json::Value>& value) {
  if (!value) return "is missing";
  if (value->kind != json::Kind::kString) return Shown(value->text) + " is not a string";
  return "";
}

std::string CheckTopic(const std::optional<json::Value>& value, std::string* topic) {
  std::string reason = CheckString(value);
  if (!reason.empty()) return reason;
  *topic = json::Unescape(value->text);
  if (topic->empty()) return "is empty";
  if (topic->size() > kTopicBytesMax) return "is longer than 65,535 bytes";
  if (topic->starts_with('$')) return Shown(value->text) + " begins with $, which is for the broker's own topics";
  if (topic->find_first_of("+#") != std::string::npos) return Shown(value->text) + " holds a wildcard (+ or #)";
  if (topic->find('\0') != std::string::npos) return Shown(value->text) + " holds U+0000";
  return "";
}

std::string CheckEventId(const std::optional<json::Value>& value, std::string* event_id) {
  std::string reason = CheckString(value);
  if (!reason.empty()) return reason;
  *event_id = json::Unescape(value->text);
  if (event_id->empty()) return "is empty";
  if (event_id->size() > kEventIdBytesMax) return Shown(value->text) + " is longer than 256 bytes";
  return "";
}

std::string CheckTimestamp(const std::optional<json::Value>& value) {
  std::string reason = CheckString(value);
  if (!reason.empty()) return reason;
  if (!IsTimestamp(json::Unescape(value->text))) return Shown(value->text) + " is not an ISO 8601 date or date-time";
  return "";
}

std::string CheckSource(const std::optional<json::Value>& value) {
  if (!value || value->kind == json::Kind::kString || value->kind == json::Kind::kNull) return "";
  return Shown(value->text) + " is neither a string nor null";
}

// Appends the event, `index` in its request, to `events`, or says what is wrong with it.
std::optional<Problem> AppendEvent(const json::Value& value, std::size_t index, std::vector<Event>* events) {
  if (value.kind != json::Kind::kObject) return EventProblem(index, "", Shown(value.text) + " is not a JSON object");
  const Members members = ReadMembers(value.text);
  // Which of them counts, parsers do not agree upon: one would check what another takes.
  if (!members.repeated.empty()) {
    return Problem{problems::kInvalidJson, EventProblem(index, members.repeated, "stands there twice").detail};
  }
  Event event;
  event.payload = value.text;
  std::string reason;
  if (!(reason = CheckTopic(members.topic, &event.topic)).empty()) return EventProblem(index, "topic", reason);
  if (!(reason = CheckEventId(members.event_id, &event.event_id)).empty()) {
    return EventProblem(index, "event_id", reason);
  }
  if (!(reason = CheckTimestamp(members.timestamp)).empty()) return EventProblem(index, "timestamp", reason);
  if (!(reason = CheckSource(members.source)).empty()) return EventProblem(index, "source", reason);
  event.event_id_text = members.event_id->text;
  if (members.source) event.source_text = members.source->text;
  events->push_back(std::move(event));
  return std::nullopt;
}

std::optional<Problem> ParseArray(json::Reader reader, std::vector<Event>* events) {
  std::optional<Problem> first;
  json::Value value;
  // Reads on behind an invalid event, for invalid JSON comes first: it makes the whole request unreadable.
  for (std::size_t count = 1; reader.NextElement(&value); ++count) {
    if (count > kEventsPerBatchMax) {
      return Problem{problems::kTooLarge, "more than " + std::to_string(kEventsPerBatchMax) + " events in one request"};
    }
    if (!first) first = AppendEvent(value, events->size(), events);
  }
  if (!reader.ok()) return InvalidJson(reader);
  return first;
}

std::optional<Problem> ParseEvents(std::string_view body, std::vector<Event>* events) {
  json::Reader reader(body);
  if (reader.EnterArray()) return ParseArray(reader, events);
  json::Value value;
  if (!reader.ReadDocument(&value)) return InvalidJson(reader);
  if (value.kind == json::Kind::kObject) return AppendEvent(value, 0, events);
  return Problem{problems::kInvalidEvent,
                 Shown(value.text) + " is neither an event (a JSON object) nor an array of events"};
}

}  // namespace

std::variant<std::shared_ptr<Batch>, Problem> ParseBatch(std::string body) {
  auto batch = std::make_shared<Batch>();
  batch->body = std::move(body);
  if (auto problem = ParseEvents(batch->body, &batch->events)) return *std::move(problem);
  return batch;
}

Lines ParseLines(std::string body, std::size_t first_index) {
  Lines lines{.batch = std::make_shared<Batch>(), .indexes = {}, .flaws = {}};
  lines.batch->body = std::move(body);
  std::string_view rest = lines.batch->body;
  for (std::size_t index = first_index; !rest.empty(); ++index) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    json::Reader reader(line);
    json::Value value;
    std::optional<Problem> problem;
    if (reader.ReadDocument(&value)) {
      problem = AppendEvent(value, index, &lines.batch->events);
    } else {
      problem = Problem{problems::kInvalidJson, EventProblem(index, "", InvalidJson(reader).detail).detail};
    }
    if (problem) {
      lines.flaws.push_back({index, *std::move(problem)});
    } else {
      lines.indexes.push_back(index);
    }
  }
  return lines;
}

Problem InvalidJson(const json::Reader& reader) {
  return {problems::kInvalidJson, "invalid JSON at byte " + std::to_string(reader.offset()) + ": " + reader.reason()};
}

}  // namespace dedup::sidecar
