#include "plugin/core/observe/rule_report.h"

#include <array>

#include "plugin/core/text/json_writer.h"
#include "plugin/core/text/utf8.h"

namespace dedup {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 0xF]);
  }
  return hex;
}

// Array of what text_of makes of each.
template <class Rows, class TextOf>
std::string ArrayOf(const Rows& rows, const TextOf& text_of) {
  std::string array = "[";
  for (const auto& row : rows) {
    if (array.size() > 1) array.push_back(',');
    array += text_of(row);
  }
  return array + "]";
}

std::string MessageJson(const CopySample::Message& message) {
  ObjectText json;
  json.AddText("topic", message.topic);
  if (message.client_id.empty()) {
    json.AddRaw("client_id", "null");
  } else {
    json.AddText("client_id", message.client_id);
  }
  // What is cut off may begin in the middle of a character.
  const std::size_t text_bytes = Utf8Prefix(message.payload);
  const bool is_cut = message.payload.size() < message.payload_bytes;
  const bool is_text = text_bytes == message.payload.size() || (is_cut && text_bytes + 4 > message.payload.size());
  if (is_text) {
    json.AddText("payload", std::string_view(message.payload).substr(0, text_bytes));
  } else {
    json.AddText("payload_hex", Hex(message.payload));
  }
  return json.Add("payload_bytes", message.payload_bytes).Take();
}

std::string SampleJson(const CopySample& sample) {
  return ObjectText()
      .AddText("at", sample.at)
      .AddText("key", sample.key)
      .Add("gap_ms", static_cast<std::uint64_t>(sample.gap_ms))
      .AddRaw("same_payload", sample.has_same_payload ? "true" : "false")
      .AddRaw("first", MessageJson(sample.first))
      .AddRaw("copy", MessageJson(sample.copy))
      .Take();
}

std::string ObservationsJson(const Observations& seen) {
  const auto row_json = [](std::string_view name) {
    return [name](const TopList::Row& row) {
      return ObjectText().AddText(name, row.text).Add("copies", row.events).Add("error", row.error).Take();
    };
  };
  return ObjectText()
      .AddText("since", seen.since)
      .Add("firsts", seen.firsts)
      .Add("copies", seen.copies)
      .Add("same_payload", seen.same_payload)
      .Add("other_payload", seen.copies - seen.same_payload)
      .Add("other_client", seen.other_client)
      .Add("other_topic", seen.other_topic)
      .Add("clients", seen.clients)
      .Add("topics", seen.topics)
      .AddRaw("gap_ms",
              ObjectText().Add("p50", seen.gap_p50_ms).Add("p99", seen.gap_p99_ms).Add("max", seen.gap_max_ms).Take())
      .AddRaw("keys", ArrayOf(seen.keys, row_json("key")))
      .AddRaw(
          "differences",
          ObjectText().Add("compared", seen.differing).AddRaw("places", ArrayOf(seen.places, row_json("place"))).Take())
      .AddRaw("samples", ArrayOf(seen.samples, SampleJson))
      .AddRaw("memory", ObjectText()
                            .Add("keys", seen.keys_remembered)
                            .Add("keys_max", seen.keys_max)
                            .Add("forgotten_early", seen.keys_forgotten_early)
                            .Add("reach_ms", static_cast<std::uint64_t>(seen.reach_ms))
                            .Take())
      .Take();
}

std::string OneKeyJson(const OneKey& one_key) {
  ObjectText json;
  json.Add("topics_watched", one_key.topics_watched).Add("topics_with_one_key", one_key.topics_with_one_key);
  if (!one_key.at.empty()) {
    json.AddRaw("last", ObjectText()
                            .AddText("at", one_key.at)
                            .AddText("topic", one_key.topic)
                            .AddText("key", one_key.key)
                            .Add("messages", one_key.verdict.messages)
                            .Add("of_one_key", one_key.verdict.of_one_key)
                            .Take());
  }
  return json.Take();
}

ObjectText Summary(const RuleReport& report) {
  ObjectText json;
  json.AddText("name", report.name).AddText("mode", report.mode == RuleMode::kObserve ? "observe" : "drop");
  json.AddRaw("topics", ArrayOf(report.topics, Quoted));
  if (report.window == kForever) {
    json.AddRaw("window_ms", "null");
  } else {
    json.Add("window_ms", static_cast<std::uint64_t>(report.window.count()));
  }
  json.AddText("since", report.since);
  for (const RuleFigure& figure : kRuleFigures) json.Add(figure.name, figure.value(report.counters));
  json.AddRaw("one_key", OneKeyJson(report.one_key));
  return json;
}

}  // namespace

std::string SummaryJson(const RuleReport& report) { return Summary(report).Take(); }

std::string ReportJson(const RuleReport& report) {
  ObjectText json = Summary(report);
  json.AddRaw("observations", report.observations ? ObservationsJson(*report.observations) : "null");
  return json.Take();
}

}  // namespace dedup
