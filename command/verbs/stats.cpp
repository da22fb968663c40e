// mosquitto-dedup stats: what the plugin of a running broker has counted.

#include "command/base/arguments.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/plugin_figures.h"
#include "command/report/stats_text.h"
#include "command/verbs/asking.h"
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
  const Option json{
      {"--json"}, "", "one JSON object, for programs", [&as_json](std::string_view) { as_json = true; }, "Answer"};
  if (const auto code = ReadAskingArguments(arguments, HelpText, &broker, {json})) return *code;
  CheckTogether(broker);

  const std::vector<std::string> answers = PluginClient(broker).Ask(std::span(kFigureCommands).first(2));
  const PluginFigures figures = ReadFigures(answers);
  return Print(as_json ? FiguresJson(answers) : StatsText(figures, broker.Name()));
}

}  // namespace dedup::command
