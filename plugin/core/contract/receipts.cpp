#include "plugin/core/contract/receipts.h"

#include <charconv>
#include <optional>
#include <system_error>

#include "plugin/core/base/crc32c.h"
#include "plugin/core/text/json.h"

// Read with the strict reader and not with cJSON: an id may hold U+0000, where cJSON's strings end, and a seq may be
// beyond 2^53, where its numbers are no longer exact.
namespace dedup {
namespace {

std::string StringOf(const json::Value& value) {
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string();
}

// False when it is not a whole number that fits.
template <class Number>
bool ReadNumber(const json::Value& value, Number* number) {
  const char* const end = value.text.data() + value.text.size();
  const auto [read_to, error] = std::from_chars(value.text.data(), end, *number);
  return value.kind == json::Kind::kNumber && error == std::errc() && read_to == end;
}

std::optional<Verdict> ParseVerdict(const json::Value& value) {
  if (value.kind != json::Kind::kString) return std::nullopt;
  // A refused event has no receipt: its publisher is disconnected.
  for (const Verdict verdict : {Verdict::kProcessed, Verdict::kDuplicate, Verdict::kPassed}) {
    if (json::Means(value.text, NameOf(verdict))) return verdict;
  }
  return std::nullopt;
}

// False when it is malformed.
bool ParseReceipt(std::string_view object, const std::function<void(const Receipt&)>& on_receipt) {
  json::Reader reader(object);
  if (!reader.EnterObject()) return false;
  std::string topic;
  std::string event_id;
  std::optional<Verdict> verdict;
  Receipt receipt;
  bool are_numbers = true;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "topic")) {
      topic = StringOf(value);
    } else if (json::Means(name, "event_id")) {
      event_id = StringOf(value);
    } else if (json::Means(name, "verdict")) {
      verdict = ParseVerdict(value);
    } else if (json::Means(name, "seq")) {
      are_numbers = are_numbers && (value.kind == json::Kind::kNull || ReadNumber(value, &receipt.outcome.seq));
    } else if (json::Means(name, "number")) {
      are_numbers = are_numbers && ReadNumber(value, &receipt.number);
    } else if (json::Means(name, "checksum")) {
      are_numbers = are_numbers && ReadNumber(value, &receipt.checksum.emplace());
    }
  }
  if (!reader.ok() || !verdict || !are_numbers) return false;
  receipt.topic = topic;
  receipt.event_id = event_id;
  receipt.outcome.verdict = *verdict;
  on_receipt(receipt);
  return true;
}

}  // namespace

std::uint32_t ReceiptChecksum(std::string_view payload) { return Crc32c(payload.data(), payload.size()); }

std::string ReceiptJson(const Receipt& receipt) {
  const bool is_event = receipt.outcome.seq != 0;
  std::string text = "{\"topic\":";
  json::AppendQuoted(receipt.topic, &text);
  text += ",\"event_id\":";
  if (is_event) {
    json::AppendQuoted(receipt.event_id, &text);
  } else {
    text += "null";
  }
  text += ",\"verdict\":\"";
  text += NameOf(receipt.outcome.verdict);
  text += "\",\"seq\":";
  text += is_event ? std::to_string(receipt.outcome.seq) : "null";
  if (receipt.number != 0) text.append(",\"number\":").append(std::to_string(receipt.number));
  if (receipt.checksum) text.append(",\"checksum\":").append(std::to_string(*receipt.checksum));
  text += '}';
  return text;
}

bool ForEachReceipt(std::string_view text, const std::function<void(const Receipt&)>& on_receipt) {
  json::Reader reader(text);
  if (!reader.EnterArray()) return ParseReceipt(text, on_receipt);
  json::Value value;
  while (reader.NextElement(&value)) {
    if (!ParseReceipt(value.text, on_receipt)) return false;
  }
  return reader.ok();
}

}  // namespace dedup
