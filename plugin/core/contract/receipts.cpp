#include "plugin/core/contract/receipts.h"

#include <charconv>

#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

// Read with the strict reader and not with cJSON: an id may hold U+0000, where cJSON's strings end, and a seq may be
// beyond 2^53, where its numbers are no longer exact.
namespace dedup::sidecar {
namespace {

std::string StringOf(const json::Value& value) {
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string();
}

std::optional<Verdict> ParseVerdict(const json::Value& value) {
  if (value.kind != json::Kind::kString) return std::nullopt;
  if (json::Means(value.text, "processed")) return Verdict::kProcessed;
  if (json::Means(value.text, "duplicate")) return Verdict::kDuplicate;
  if (json::Means(value.text, "passed")) return Verdict::kPassed;
  return std::nullopt;
}

std::optional<Receipt> ParseReceipt(std::string_view object) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return std::nullopt;
  Receipt receipt;
  std::optional<Verdict> verdict;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "topic")) {
      receipt.topic = StringOf(value);
    } else if (json::Means(name, "event_id")) {
      receipt.event_id = StringOf(value);
    } else if (json::Means(name, "verdict")) {
      verdict = ParseVerdict(value);
    } else if (json::Means(name, "seq") && value.kind == json::Kind::kNumber) {
      std::from_chars(value.text.data(), value.text.data() + value.text.size(), receipt.outcome.seq);
    }
  }
  if (!reader.ok() || !verdict) return std::nullopt;
  receipt.outcome.verdict = *verdict;
  return receipt;
}

std::string ErrorOf(const json::Value& value) {
  std::string error = StringOf(value);
  return error.empty() ? "an error without a text" : error;
}

std::optional<ControlAnswer> ParseReceiptsResponse(std::string_view object) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return std::nullopt;
  ControlAnswer answer;
  bool is_ours = false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "command")) {
      is_ours = StringOf(value) == "receipts";
    } else if (json::Means(name, "error")) {
      answer.error = ErrorOf(value);
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

std::optional<ControlAnswer> ParseControlAnswer(std::string_view text) {
  return FindResponse(text, ParseReceiptsResponse);
}

std::optional<TopAnswer> ParseTopAnswer(std::string_view text) { return FindResponse(text, ParseTopResponse); }

bool ForEachReceipt(std::string_view text, const std::function<void(const Receipt&)>& on_receipt) {
  json::Reader reader(text);
  if (!reader.EnterArray()) {
    const auto receipt = ParseReceipt(text);
    if (receipt) on_receipt(*receipt);
    return receipt.has_value();
  }
  json::Value value;
  while (reader.NextElement(&value)) {
    const auto receipt = ParseReceipt(value.text);
    if (!receipt) return false;
    on_receipt(*receipt);
  }
  return reader.ok();
}

}  // namespace dedup::sidecar
