#include "plugin/core/contract/receipts.h"

#include <charconv>
#include <optional>

#include "plugin/core/text/json.h"

// Read with the strict reader and not with cJSON: an id may hold U+0000, where cJSON's strings end, and a seq may be
// beyond 2^53, where its numbers are no longer exact.
namespace dedup {
namespace {

std::string StringOf(const json::Value& value) {
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string();
}

std::optional<Verdict> ParseVerdict(const json::Value& value) {
  if (value.kind != json::Kind::kString) return std::nullopt;
  // A refused event has no receipt: its publisher is disconnected.
  for (const Verdict verdict : {Verdict::kProcessed, Verdict::kDuplicate, Verdict::kPassed}) {
    if (json::Means(value.text, NameOf(verdict))) return verdict;
  }
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

}  // namespace

std::string ReceiptJson(std::string_view topic, std::string_view event_id, const Outcome& outcome) {
  const bool is_event = outcome.seq != 0;
  std::string text = "{\"topic\":";
  json::AppendQuoted(topic, &text);
  text += ",\"event_id\":";
  if (is_event) {
    json::AppendQuoted(event_id, &text);
  } else {
    text += "null";
  }
  text += ",\"verdict\":\"";
  text += NameOf(outcome.verdict);
  text += "\",\"seq\":";
  text += is_event ? std::to_string(outcome.seq) : "null";
  text += '}';
  return text;
}

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

}  // namespace dedup
