#include "command/report/rule_report_text.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "command/report/plugin_answer.h"
#include "command/report/plugin_figures.h"
#include "command/report/rule_line.h"
#include "command/report/sentences.h"
#include "command/report/text_table.h"
#include "command/report/words.h"

namespace dedup::command {
namespace {

using nlohmann::json;

constexpr std::size_t kSampleBytes = 240;  // of a payload
constexpr std::size_t kKeyBytes = 120;

std::uint64_t Number(const json& object, const char* name) { return object.at(name).get<std::uint64_t>(); }

std::string Text(const json& object, const char* name) { return object.at(name).get<std::string>(); }

std::string Duration(std::uint64_t ms) { return DurationText(static_cast<double>(ms) / 1000); }

// Counts of texts, of which each may be higher by its error.
std::string RowsText(const json& rows, const char* name, std::uint64_t whole) {
  std::string text;
  for (const json& row : rows) {
    const std::uint64_t copies = Number(row, "copies");
    text += std::string("   ") + (Number(row, "error") > 0 ? ">= " : "") + CountOf(copies, "copy", "copies") + " (" +
            ShareText(copies, whole) + "): " + Shown(Text(row, name), kKeyBytes) + "\n";
  }
  return text;
}

std::string MessageText(const char* title, const json& message) {
  std::string text = std::string("      ") + title + " on " + Shown(Text(message, "topic"), kKeyBytes);
  if (const json& client = message.at("client_id"); !client.is_null()) {
    text += " from " + Shown(client.get<std::string>(), kKeyBytes);
  }
  const bool is_text = message.contains("payload");
  const std::string payload = Text(message, is_text ? "payload" : "payload_hex");
  const std::size_t bytes = is_text ? payload.size() : payload.size() / 2;
  text += std::string("\n         ") + (is_text ? "" : "hex ") + Shown(payload, kSampleBytes);
  if (bytes < Number(message, "payload_bytes") && payload.size() <= kSampleBytes) text += " …";
  return text + "\n";
}

std::string MemoryText(const json& memory) {
  const std::string keys = std::to_string(Number(memory, "keys_max"));
  if (Number(memory, "forgotten_early") > 0) {
    return "Its memory of " + keys + " keys reaches back " + Duration(Number(memory, "reach_ms")) +
           ", less than the window: later copies are not in these figures.\n";
  }
  return "It remembers " + std::to_string(Number(memory, "keys")) + " of at most " + keys + " keys.\n";
}

std::string SamplesText(const json& samples) {
  std::string text = samples.empty() ? "" : "Copies, the newest first:\n";
  for (const json& sample : samples) {
    text += "   " + Shown(Text(sample, "key"), kKeyBytes) + ": " + Duration(Number(sample, "gap_ms")) + " later, " +
            (sample.at("same_payload").get<bool>() ? "the same payload" : "another payload") + "\n" +
            MessageText("first", sample.at("first")) + MessageText("copy", sample.at("copy"));
  }
  return text;
}

std::string CopiesText(const json& seen) {
  const std::uint64_t copies = Number(seen, "copies");
  const std::uint64_t messages = Number(seen, "firsts") + copies;
  std::string text = CountOf(copies, "copy", "copies") + " of " + CountOf(messages, "message", "messages") + " (" +
                     ShareText(copies, messages) + ") would not be handed on.\n";
  text += "   Payload: " + std::to_string(Number(seen, "same_payload")) + " the same, " +
          std::to_string(Number(seen, "other_payload")) + " another one\n";
  const json& gap = seen.at("gap_ms");
  text += "   Behind the first: half within " + Duration(Number(gap, "p50")) + ", 99 % within " +
          Duration(Number(gap, "p99")) + ", all within " + Duration(Number(gap, "max")) +
          "; the window is to be longer\n";
  text += "   From about " + CountOf(Number(seen, "clients"), "client", "clients") + ", on about " +
          CountOf(Number(seen, "topics"), "topic", "topics") + "; " + std::to_string(Number(seen, "other_client")) +
          " came from another client than the first, " + std::to_string(Number(seen, "other_topic")) +
          " on another topic\n";
  const json& differences = seen.at("differences");
  const std::uint64_t compared = Number(differences, "compared");
  if (const json& places = differences.at("places"); !places.empty()) {
    text += "What copies change, of " + std::to_string(compared) + " with another payload:\n" +
            RowsText(places, "place", compared) +
            "   What only copies change is to be ignored. If readings differ, the key names no event.\n";
  }
  text += "Keys with the most copies:\n" + RowsText(seen.at("keys"), "key", copies);
  return text + SamplesText(seen.at("samples"));
}

std::string ObservationsText(const json& seen) {
  const std::uint64_t messages = Number(seen, "firsts") + Number(seen, "copies");
  std::string text = "\nWhat it would do, seen since " + Text(seen, "since") + ":\n";
  if (messages == 0) return text + "No message with a key came.\n";
  if (Number(seen, "copies") == 0) {
    return text + CountOf(messages, "message", "messages") + " with a key came, and no copy of any.\n" +
           MemoryText(seen.at("memory"));
  }
  return text + CopiesText(seen) + MemoryText(seen.at("memory"));
}

}  // namespace

std::string RuleReportText(const std::string& answer) {
  return FromAnswers({&answer, 1}, [](const std::vector<json>& parsed) {
    const json& rule = parsed.front();
    const RuleFigures figures = ReadRuleFigure(rule);
    std::string topics;
    for (const std::string& topic : figures.topics) topics.append(topics.empty() ? "" : ", ").append(topic);
    std::string text = figures.name + ": " + topics + "; window " +
                       (figures.window ? WindowText(*figures.window) : "forever") +
                       (figures.observes ? "; observes\n" : "; drops\n");
    if (!figures.warning.empty()) text += "Look: " + figures.warning + "\n";
    text += "\nCounted since " + figures.since + ":\n";
    TextTable table({"figure", "value", "meaning"});
    for (std::size_t i = 0; i < std::size(kRuleFigures); ++i) {
      table.Add(
          {std::string(kRuleFigures[i].name), std::to_string(figures.values[i]), std::string(kRuleFigures[i].help)});
    }
    text += table.Text();
    const json& observations = rule.at("observations");
    return observations.is_null() ? text : text + ObservationsText(observations);
  });
}

}  // namespace dedup::command
