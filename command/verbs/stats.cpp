// mosquitto-dedup stats: what the plugin of a running broker has counted.

#include "command/base/arguments.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/plugin_figures.h"
#include "command/report/stats_text.h"
#include "command/verbs/verb.h"

namespace dedup::command {
namespace {

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup stats [-h HOST] [-p PORT] [OPTION...]\n"
         "Asks the plugin of a running broker what it has counted, and shows it: events and duplicates since the data "
         "directory\n"
         "was made, and of each rule since the plugin's start. The user must be allowed to publish on "
         "$CONTROL/dedup/v1. An answer\n"
         "is waited for 5 s. In brackets: the default.\n" +
         OptionsText(table);
}

}  // namespace

int RunStats(std::span<const std::string_view> arguments) {
  BrokerAccess broker;
  bool as_json = false;
  bool help = false;
  std::vector<Option> table = BrokerOptions(&broker);
  table.push_back(
      {{"--json"}, "", "one JSON object, for programs", [&as_json](std::string_view) { as_json = true; }, "Answer"});
  table.push_back({{"--help"}, "", "show this", [&help](std::string_view) { help = true; }});
  ReadArguments(table, arguments);
  if (help) return Print(HelpText(table));
  CheckTogether(broker);

  const std::vector<std::string> answers = PluginClient(broker).Ask(std::span(kFigureCommands).first(2));
  const PluginFigures figures = ReadFigures(answers);
  return Print(as_json ? FiguresJson(answers) : StatsText(figures, broker.Name()));
}

}  // namespace dedup::command
