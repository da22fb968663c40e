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

// Nothing when it is no answer that can be told apart.
std::optional<CommandAnswer> ParseCommandResponse(std::string_view object) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return std::nullopt;
  CommandAnswer answer;
  ObjectText text;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "command")) {
      answer.command = StringOf(value);
    } else if (json::Means(name, "correlationData")) {
      answer.correlation = StringOf(value);
    } else if (json::Means(name, "error")) {
      answer.error = ErrorOf(value);
    } else {
      text.AddRaw(json::Inner(name), value.text);
    }
  }
  if (!reader.ok() || answer.correlation.empty()) return std::nullopt;
  answer.text = text.Take();
  return answer;
}

// Calls on_response(object) for each of the responses in an answer. False when it is malformed.
template <class OnResponse>
bool ForEachResponse(std::string_view text, OnResponse on_response) {
  json::Reader reader(text);
  if (!reader.EnterObject()) return false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (!json::Means(name, "responses")) continue;
    json::Reader responses(value.text);
    json::Value response;
    for (responses.EnterArray(); responses.NextElement(&response);) on_response(response.text);
  }
  return reader.ok();
}

}  // namespace

std::optional<ReceiptsAnswer> ParseReceiptsAnswer(std::string_view text) {
  std::optional<ReceiptsAnswer> answer;
  const bool is_well_formed = ForEachResponse(text, [&](std::string_view response) {
    if (!answer) answer = ParseReceiptsResponse(response);
  });
  return is_well_formed ? answer : std::nullopt;
}

std::string CommandRequest(const PluginCommand& command, std::string_view correlation) {
  std::string object = ObjectText().AddText("command", command.name).AddText("correlationData", correlation).Take();
  if (!command.members.empty()) object.insert(object.size() - 1, "," + command.members);
  return "{\"commands\":[" + object + "]}";
}

std::vector<CommandAnswer> ParseCommandAnswers(std::string_view text) {
  std::vector<CommandAnswer> answers;
  const bool is_well_formed = ForEachResponse(text, [&](std::string_view response) {
    if (auto answer = ParseCommandResponse(response)) answers.push_back(*std::move(answer));
  });
  return is_well_formed ? answers : std::vector<CommandAnswer>();
}

bool IsUnread(std::string_view answer) {
  bool has_error = false;
  bool has_command = false;
  const bool is_well_formed = ForEachResponse(answer, [&](std::string_view response) {
    json::Reader reader(response);
    std::string_view name;
    json::Value value;
    for (reader.EnterObject(); reader.NextMember(&name, &value);) {
      has_error |= json::Means(name, "error");
      has_command |= json::Means(name, "command");
    }
  });
  return is_well_formed && has_error && !has_command;
}

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
