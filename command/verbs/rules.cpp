// mosquitto-dedup rules: whether the plugin would take a rules file, and what the rules of a running one do.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "command/base/arguments.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/plugin_figures.h"
#include "command/report/rule_line.h"
#include "command/report/rule_report_text.h"
#include "command/report/stats_text.h"
#include "command/verbs/asking.h"
#include "command/verbs/load_rules.h"
#include "command/verbs/verb.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::command {
namespace {

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup rules check FILE\n"
         "       mosquitto-dedup rules show [NAME] [-h HOST] [-p PORT] [OPTION...]\n"
         "check reads a rules file as the plugin would, and shows each rule on a line. What is wrong stands on "
         "standard "
         "error with\n"
         "its place, and the exit code is 1 then. A warning is about a rule that works, but not as it seems. -: "
         "standard input.\n"
         "show asks the plugin of a running broker what its rules have done; with a name all about that one, and of a "
         "rule that\n"
         "observes also what it would do. The user must be allowed to publish on $CONTROL/dedup/v1. An answer is "
         "waited for 5 s.\n"
         "In brackets: the default.\n" +
         OptionsText(table);
}

int Check(const std::string& path) {
  const std::optional<RuleSet> rules = LoadRules(path);
  if (!rules) return EXIT_FAILURE;
  std::string text;
  for (const Rule& rule : rules->rules) text += RuleLine(rule) + "\n";
  if (rules->default_rule) text += RuleLine(*rules->default_rule) + "\n";
  return Print(text);
}

int ShowAll(const BrokerAccess& broker) {
  const PluginCommand command{"rules", ""};
  return Print(RulesTableText(ReadRuleFigures(PluginClient(broker).Ask(command))));
}

int ShowOne(const BrokerAccess& broker, const std::string& name) {
  const PluginCommand command{"rule", "\"name\":" + Quoted(name)};
  return Print(RuleReportText(PluginClient(broker).Ask(command)));
}

}  // namespace

int RunRules(std::span<const std::string_view> arguments) {
  BrokerAccess broker;
  std::vector<std::string> words;
  if (const auto code = ReadAskingArguments(arguments, HelpText, &broker, {}, &words)) return *code;
  if (words.size() == 2 && words[0] == "check") {
    if (broker.is_named) throw UsageError("rules check reads a file, and takes no options of a broker");
    return Check(words[1]);
  }
  if (words.empty() || words[0] != "show" || words.size() > 2) {
    throw UsageError("rules takes: check FILE, or show [NAME]; --help says more");
  }
  CheckTogether(broker);
  return words.size() == 1 ? ShowAll(broker) : ShowOne(broker, words[1]);
}

}  // namespace dedup::command
