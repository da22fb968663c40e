#include "command/report/plugin_figures.h"

#include <nlohmann/json.hpp>

#include "command/report/plugin_answer.h"
#include "command/report/words.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::command {
namespace {

using nlohmann::json;

// Of a key.
constexpr std::size_t kShownBytes = 120;

// What a rule's figures say about its key, in the dashboard's words.
std::string WarningOf(const json& rule) {
  const json& one_key = rule.at("one_key");
  const std::uint64_t watched = one_key.at("topics_watched").get<std::uint64_t>();
  const std::uint64_t with_one_key = one_key.at("topics_with_one_key").get<std::uint64_t>();
  if (2 * with_one_key > watched) {
    return "on " + std::to_string(with_one_key) + " of " + CountOf(watched, "topic", "topics") +
           " watched most messages had one and the same key (" +
           Shown(one_key.at("last").at("key").get<std::string>(), kShownBytes) +
           "): does it name a device, not an event?";
  }
  const std::uint64_t compared = rule.at("compared").get<std::uint64_t>();
  const std::uint64_t conflicts = rule.at("conflicts").get<std::uint64_t>();
  if (2 * conflicts > compared) {
    return "most duplicates have another payload than the first (" + std::to_string(conflicts) + " of " +
           std::to_string(compared) + " compared): does the key name a device, not an event?";
  }
  return {};
}

}  // namespace

RuleFigures ReadRuleFigure(const json& rule) {
  RuleFigures figures;
  figures.name = rule.at("name").get<std::string>();
  figures.observes = rule.at("mode").get<std::string>() == "observe";
  figures.topics = rule.at("topics").get<std::vector<std::string>>();
  if (const json& window = rule.at("window_ms"); !window.is_null()) {
    figures.window = std::chrono::milliseconds(window.get<std::int64_t>());
  }
  figures.since = rule.at("since").get<std::string>();
  for (std::size_t i = 0; i < std::size(kRuleFigures); ++i) {
    figures.values[i] = rule.at(std::string(kRuleFigures[i].name)).get<std::uint64_t>();
  }
  figures.warning = WarningOf(rule);
  return figures;
}

namespace {

std::vector<RuleFigures> ReadRules(const json& answer) {
  std::vector<RuleFigures> rules;
  for (const json& rule : answer.at("rules")) rules.push_back(ReadRuleFigure(rule));
  return rules;
}

std::vector<TopFigures> ReadTop(const json& rows, const char* name) {
  std::vector<TopFigures> figures;
  for (const json& row : rows) {
    figures.push_back({.text = row.at(name).get<std::string>(),
                       .events = row.value("events", std::uint64_t{0}),
                       .duplicates = row.at("duplicates").get<std::uint64_t>(),
                       .error = row.at("error").get<std::uint64_t>()});
  }
  return figures;
}

}  // namespace

const PluginCommand kFigureCommands[3] = {{"stats", ""}, {"rules", ""}, {"top", ""}};

std::uint64_t PluginFigures::Value(std::string_view name) const {
  for (std::size_t i = 0; values && i < std::size(kFigures); ++i) {
    if (kFigures[i].name == name) return (*values)[i];
  }
  return 0;
}

PluginFigures ReadFigures(std::span<const std::string> answers) {
  return FromAnswers(answers, [](const std::vector<json>& parsed) {
    PluginFigures figures;
    figures.version = parsed.at(0).at("version").get<std::string>();
    if (const json& trouble = parsed[0].at("trouble"); !trouble.is_null()) figures.trouble = trouble.get<std::string>();
    if (const json& values = parsed[0].at("figures"); !values.is_null()) {
      figures.values.emplace();
      for (std::size_t i = 0; i < std::size(kFigures); ++i) {
        (*figures.values)[i] = values.at(std::string(kFigures[i].name)).get<std::uint64_t>();
      }
    }
    figures.rules = ReadRules(parsed.at(1));
    if (parsed.size() < std::size(kFigureCommands)) return figures;
    figures.top_since = parsed[2].at("since").get<std::string>();
    figures.topics = ReadTop(parsed[2].at("topics"), "topic");
    figures.clients = ReadTop(parsed[2].at("duplicate_clients"), "client_id");
    return figures;
  });
}

std::string FiguresJson(std::span<const std::string> answers) {
  ObjectText text;
  text.AddRaw("stats", answers[0]);
  // {"rules":[…]}, whose member moves up.
  return FromAnswers(answers.subspan(1, 1), [&](const std::vector<json>& parsed) {
    return text.AddRaw("rules", parsed[0].at("rules").dump()).Take() + "\n";
  });
}

std::vector<RuleFigures> ReadRuleFigures(const std::string& answer) {
  return FromAnswers({&answer, 1}, [](const std::vector<json>& parsed) { return ReadRules(parsed.front()); });
}

}  // namespace dedup::command
