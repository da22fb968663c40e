// mosquitto-dedup explain: which rule of a file takes a message, and why. Nothing is asked of a broker.

#include "plugin/core/rules/explain.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "command/base/arguments.h"
#include "command/base/input.h"
#include "command/report/explanation_text.h"
#include "command/verbs/load_rules.h"
#include "command/verbs/verb.h"
#include "plugin/core/rules/key_finder.h"

namespace dedup::command {
namespace {

struct Options {
  std::string rules;
  std::string topic;
  std::optional<std::string> message;
  std::string payload_file;  // "-": standard input
  std::vector<std::pair<std::string, std::string>> properties;
  std::string client;
  std::string username;
  bool help = false;
};

std::string Topic(std::string_view text) {
  if (text.empty() || text.find_first_of("+#") != std::string_view::npos) {
    throw std::invalid_argument("takes a topic without wildcards");
  }
  return std::string(text);
}

std::vector<Option> OptionsOf(Options* options) {
  return {
      {{"--rules"},
       "FILE",
       "the rules file; -: standard input",
       [options](std::string_view text) { options->rules = text; },
       "Rules"},
      {{"-t", "--topic"},
       "TOPIC",
       "the message's topic",
       [options](std::string_view text) { options->topic = Topic(text); },
       "Message"},
      {{"-m", "--message"},
       "PAYLOAD",
       "its payload (none)",
       [options](std::string_view text) { options->message = text; }},
      {{"-f", "--file"},
       "FILE",
       "its payload: all of a file",
       [options](std::string_view text) { options->payload_file = text; }},
      {{"-s", "--stdin-file"},
       "",
       "its payload: all of standard input",
       [options](std::string_view) { options->payload_file = "-"; }},
      {{"--property"},
       "NAME=VALUE",
       "an MQTT v5 user property, as often as wanted",
       [options](std::string_view text) {
         const std::size_t equals = text.find('=');
         if (equals == 0 || equals == std::string_view::npos) throw std::invalid_argument("takes NAME=VALUE");
         options->properties.emplace_back(text.substr(0, equals), text.substr(equals + 1));
       }},
      {{"--client"},
       "ID",
       "its publisher's client id (none)",
       [options](std::string_view text) { options->client = text; }},
      {{"--username"},
       "NAME",
       "its publisher's user name (none)",
       [options](std::string_view text) { options->username = text; }},
      {{"--help"}, "", "show this", [options](std::string_view) { options->help = true; }, "Else"},
  };
}

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup explain --rules FILE -t TOPIC [-m PAYLOAD | -f FILE | -s] [OPTION...]\n"
         "Says which rule would take a message, which parts of its key each rule found or missed, and the key's text. "
         "The\n"
         "rule behind those of the file is the one that the plugin's options make; here they have their defaults.\n" +
         OptionsText(table);
}

void CheckTogether(const Options& options) {
  if (options.rules.empty()) throw UsageError("--rules FILE is missing");
  if (options.topic.empty()) throw UsageError("-t TOPIC is missing");
  if (options.message && !options.payload_file.empty()) throw UsageError("the payload comes from one of -m, -f and -s");
  if (options.rules == "-" && options.payload_file == "-")
    throw UsageError("standard input cannot be both rules and payload");
}

}  // namespace

int RunExplain(std::span<const std::string_view> arguments) {
  Options options;
  const std::vector<Option> table = OptionsOf(&options);
  ReadArguments(table, arguments);
  if (options.help) return Print(HelpText(table));
  CheckTogether(options);
  std::optional<RuleSet> rules = LoadRules(options.rules);
  if (!rules) return EXIT_FAILURE;
  const std::string payload =
      options.payload_file.empty() ? options.message.value_or("") : ReadInput(options.payload_file);
  std::vector<UserProperty> properties;
  for (const auto& [name, value] : options.properties) properties.push_back({name, value});

  KeyFinder finder(*std::move(rules), HashSecret{});
  const Explanation explanation =
      Explain(finder, {options.topic, payload, options.client, options.username, properties});
  return Print(ExplanationText(explanation, finder.rules()));
}

}  // namespace dedup::command
