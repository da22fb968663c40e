// mosquitto-dedup rules check: whether the plugin would take a rules file.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "command/base/arguments.h"
#include "command/report/rule_line.h"
#include "command/verbs/load_rules.h"
#include "command/verbs/verb.h"

namespace dedup::command {
namespace {

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup rules check FILE\n"
         "Reads a rules file as the plugin would, and shows each rule on a line. What is wrong stands on standard "
         "error with\n"
         "its place, and the exit code is 1 then. A warning is about a rule that works, but not as it seems. -: "
         "standard input.\n" +
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

}  // namespace

int RunRules(std::span<const std::string_view> arguments) {
  bool help = false;
  const std::vector<Option> table = {{{"--help"}, "", "show this", [&help](std::string_view) { help = true; }, "Else"}};
  std::vector<std::string> words;
  ReadArguments(table, arguments, &words);
  if (help) return Print(HelpText(table));
  if (words.size() != 2 || words[0] != "check") throw UsageError("rules takes: check FILE; --help says more");
  return Check(words[1]);
}

}  // namespace dedup::command
