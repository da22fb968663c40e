#include "command/report/stats_text.h"

#include "command/report/rule_line.h"
#include "command/report/text_table.h"
#include "command/report/words.h"

namespace dedup::command {
namespace {

std::string ModeOf(const RuleFigures& rule) { return rule.observes ? "observe" : "drop"; }

std::string TopicsOf(const RuleFigures& rule) {
  std::string text;
  for (const std::string& topic : rule.topics) text.append(text.empty() ? "" : " ").append(topic);
  return text;
}

}  // namespace

std::string StatsText(const PluginFigures& figures, const std::string& broker) {
  std::string text = "mosquitto-dedup " + figures.version + " at " + broker + "\n";
  if (!figures.values) return text + "Events cannot be stored, so there are no figures: " + figures.trouble + "\n";
  const std::uint64_t received = figures.Value("received");
  const std::uint64_t duplicates = figures.Value("duplicates");
  text +=
      CountOf(received, "event came", "events came") + "; " + CountOf(duplicates, "was a duplicate", "were duplicates");
  if (duplicates > 0) text += " (" + ShareText(duplicates, received) + ")";
  text += ".\n";
  if (figures.Value("store_failing") != 0) {
    text += "Events cannot be stored now, and wait in the journal; the broker's log says why.\n";
  }
  if (figures.Value("journal_failing") != 0) {
    text += "Events are refused now, because the journal cannot be synced; the broker's log says why.\n";
  }
  TextTable table({"figure", "value", "meaning"});
  for (std::size_t i = 0; i < std::size(kFigures); ++i) {
    table.Add({std::string(kFigures[i].name), std::to_string((*figures.values)[i]), std::string(kFigures[i].help)});
  }
  return text + "\n" + table.Text() + "\n" + RulesTableText(figures.rules);
}

std::string RulesTableText(std::span<const RuleFigures> rules) {
  if (rules.empty()) return "There is no rule, so nothing is an event.\n";
  std::vector<std::string> heads = {"rule", "mode", "window"};
  for (const RuleFigure& figure : kRuleFigures) heads.emplace_back(figure.name);
  heads.emplace_back("topics");
  TextTable table(std::move(heads));
  std::string warnings;
  for (const RuleFigures& rule : rules) {
    std::vector<std::string> row = {rule.name, ModeOf(rule), rule.window ? WindowText(*rule.window) : "forever"};
    for (const std::uint64_t value : rule.values) row.push_back(std::to_string(value));
    row.push_back(TopicsOf(rule));
    table.Add(std::move(row));
    if (!rule.warning.empty()) warnings += "Look at " + rule.name + ": " + rule.warning + "\n";
  }
  return table.Text() + warnings;
}

}  // namespace dedup::command
