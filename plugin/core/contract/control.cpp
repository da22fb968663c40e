#include "plugin/core/contract/control.h"

#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

namespace dedup {
namespace {

std::string StringOf(const json::Value& value) {
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string();
}

std::string ErrorOf(const json::Value& value) {
  std::string error = StringOf(value);
  return error.empty() ? "an error without a text" : error;
}

std::optional<ReceiptsAnswer> ParseReceiptsResponse(std::string_view object) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return std::nullopt;
  ReceiptsAnswer answer;
  bool is_ours = false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "command")) {
      is_ours = StringOf(value) == "receipts";
    } else if (json::Means(name, "error")) {
      answer.error = ErrorOf(value);
    } else if (json::Means(name, "numbered")) {
      answer.is_numbered = value.kind == json::Kind::kTrue;
    } else if (json::Means(name, "id_member")) {
      answer.settings.id_member = StringOf(value);
    } else if (json::Means(name, "id_property")) {
      answer.settings.id_property = StringOf(value);
    } else if (json::Means(name, "topics")) {
      json::Reader topics(value.text);
      json::Value topic;
      for (topics.EnterArray(); topics.NextElement(&topic);) answer.settings.topics.push_back(StringOf(topic));
    }
  }
  if (!reader.ok() || !is_ours) return std::nullopt;
  return answer;
}

std::optional<TopAnswer> ParseTopResponse(std::string_view object) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return std::nullopt;
  TopAnswer answer;
  ObjectText text;
  bool is_ours = false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "command")) {
      is_ours = StringOf(value) == "top";
    } else if (json::Means(name, "error")) {
      answer.error = ErrorOf(value);
    } else if (!json::Means(name, "correlationData")) {
      text.AddRaw(json::Unescape(name), value.text);
    }
  }
  if (!reader.ok() || !is_ours) return std::nullopt;
  answer.text = text.Take();
  return answer;
}

// The first of the responses in an answer that `parse` takes.
template <class Answer>
std::optional<Answer> FindResponse(std::string_view text, std::optional<Answer> (*parse)(std::string_view object)) {
  json::Reader reader(text);
  if (!reader.EnterObject()) return std::nullopt;
  std::optional<Answer> answer;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (!json::Means(name, "responses")) continue;
    json::Reader responses(value.text);
    json::Value response;
    for (responses.EnterArray(); responses.NextElement(&response);) {
      if (!answer) answer = parse(response.text);
    }
  }
  return reader.ok() ? answer : std::nullopt;
}

}  // namespace

std::optional<ReceiptsAnswer> ParseReceiptsAnswer(std::string_view text) {
  return FindResponse(text, ParseReceiptsResponse);
}

std::optional<TopAnswer> ParseTopAnswer(std::string_view text) { return FindResponse(text, ParseTopResponse); }

bool IsAnswerOfBroker(std::string_view text) {
  json::Reader reader(text);
  if (!reader.EnterObject()) return false;
  bool has_error = false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "responses")) return false;
    if (json::Means(name, "error")) has_error = true;
  }
  return reader.ok() && has_error;
}

}  // namespace dedup
