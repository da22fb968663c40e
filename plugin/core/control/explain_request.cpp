#include "plugin/core/control/explain_request.h"

#include <algorithm>

#include "plugin/core/text/base64.h"
#include "plugin/core/text/json_writer.h"

namespace dedup {
namespace {

constexpr char kPropertiesTake[] =
    "properties takes an object of strings, {\"name\":\"value\"}, or an array of pairs, [[\"name\",\"value\"]]";

// False when it is no string.
bool ReadString(const json::Value& value, std::string* text) {
  if (value.kind != json::Kind::kString) return false;
  *text = json::Unescape(value.text);
  return true;
}

bool ReadPair(std::string_view text, std::pair<std::string, std::string>* pair) {
  json::Reader reader(text);
  json::Value name;
  json::Value value;
  json::Value more;
  return reader.EnterArray() && reader.NextElement(&name) && ReadString(name, &pair->first) &&
         reader.NextElement(&value) && ReadString(value, &pair->second) && !reader.NextElement(&more);
}

std::string TextOrNull(std::string_view text) { return text.empty() ? "null" : Quoted(text); }

std::string PartJson(const Explanation::Part& part) {
  return ObjectText()
      .AddText("part", part.part)
      .AddRaw("source", TextOrNull(part.source))
      .AddText("found", part.found)
      .AddRaw("text", TextOrNull(part.text))
      .Take();
}

std::string AskedJson(const Explanation::Asked& asked) {
  std::vector<std::string> parts;
  for (const Explanation::Part& part : asked.parts) parts.push_back(PartJson(part));
  return ObjectText()
      .AddText("rule", asked.rule)
      .AddRaw("observes", asked.observes ? "true" : "false")
      .AddRaw("makes_key", asked.makes_key ? "true" : "false")
      .AddText("scope", asked.scope)
      .AddRaw("parts", ArrayText({parts.begin(), parts.end()}))
      .AddRaw("key", TextOrNull(asked.key_text))
      .AddRaw("why_not", TextOrNull(asked.why_not))
      .Take();
}

}  // namespace

std::optional<ExplainRequest> ExplainRequest::Read(std::string_view command, std::string* problem) {
  ExplainRequest request;
  json::Reader reader(command);
  reader.EnterObject();
  std::string_view name;
  json::Value value;
  while (problem->empty() && reader.NextMember(&name, &value))
    *problem = request.SetMember(json::Unescape(name), value);
  if (problem->empty() && request.topic_.empty()) *problem = "topic is missing: a string, the topic of a message";
  if (!problem->empty()) return std::nullopt;
  return request;
}

// Returns what is wrong; empty where nothing is.
std::string ExplainRequest::SetMember(std::string_view name, const json::Value& value) {
  const auto read = [&](std::string* member) {
    return ReadString(value, member) ? "" : std::string(name) + " must be a string";
  };
  if (name == "command" || name == "correlationData") return "";
  if (name == "topic") {
    if (std::string problem = read(&topic_); !problem.empty()) return problem;
    const bool is_topic = !topic_.empty() && topic_.find_first_of(std::string_view("+#\0", 3)) == std::string::npos;
    return is_topic ? "" : "topic must be the topic of a message: not empty, without wildcards and without U+0000";
  }
  if (name == "client_id") return read(&client_id_);
  if (name == "username") return read(&username_);
  if (name == "properties") return SetProperties(value);
  if (name != "payload" && name != "payload_base64") {
    return "unknown member '" + std::string(name) +
           "'; expected topic, payload or payload_base64, properties, client_id, username";
  }
  if (std::exchange(has_payload_, true)) return "there is a payload already";
  if (name == "payload") {
    if (!ReadString(value, &payload_)) payload_ = value.text;
    return "";
  }
  std::string text;
  if (std::string problem = read(&text); !problem.empty()) return problem;
  std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes) return "payload_base64 is no base64 (RFC 4648)";
  payload_ = *std::move(bytes);
  return "";
}

std::string ExplainRequest::SetProperties(const json::Value& value) {
  json::Reader reader(value.text);
  std::pair<std::string, std::string> property;
  json::Value item;
  if (reader.EnterObject()) {
    for (std::string_view name; reader.NextMember(&name, &item);) {
      if (!ReadString(item, &property.second)) return kPropertiesTake;
      property.first = json::Unescape(name);
      properties_.push_back(property);
    }
    return "";
  }
  if (!reader.EnterArray()) return kPropertiesTake;
  while (reader.NextElement(&item)) {
    if (!ReadPair(item.text, &property)) return kPropertiesTake;
    properties_.push_back(property);
  }
  return "";
}

Publish ExplainRequest::View() {
  property_views_.clear();
  for (const auto& [name, value] : properties_) property_views_.push_back({name, value});
  return {topic_, payload_, client_id_, username_, property_views_};
}

std::string ExplainedJson(const Explained& explained) {
  const Explanation& explanation = explained.explanation;
  const Explanation::Asked* decided = nullptr;
  const Explanation::Asked* observed = nullptr;
  std::vector<std::string> asked;
  for (const Explanation::Asked& one : explanation.asked) {
    asked.push_back(AskedJson(one));
    if (!one.makes_key) continue;
    (one.observes ? observed : decided) = &one;
  }
  ObjectText json;
  json.AddText("verdict", NameOf(explained.outcome.verdict));
  json.AddRaw("seq", explained.outcome.verdict == Verdict::kDuplicate ? std::to_string(explained.outcome.seq) : "null");
  json.AddRaw("rule", decided == nullptr ? "null" : Quoted(decided->rule));
  json.AddRaw("key", decided == nullptr ? "null" : Quoted(decided->key_text));
  if (observed == nullptr) {
    json.AddRaw("observed", "null");
  } else {
    json.AddRaw("observed", ObjectText()
                                .AddText("rule", observed->rule)
                                .AddText("key", observed->key_text)
                                .AddRaw("is_copy", explained.is_observed_copy ? "true" : "false")
                                .Take());
  }
  json.AddRaw("asked", ArrayText({asked.begin(), asked.end()}));
  return json.AddRaw("payload_note", TextOrNull(explanation.payload_note)).Take();
}

}  // namespace dedup
