// mosquitto-dedup explain: which rule takes a message, and why: of a file, or of the plugin of a running broker.

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
#include "command/capture/base64.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/explanation_text.h"
#include "command/verbs/load_rules.h"
#include "command/verbs/verb.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/text/json_writer.h"
#include "plugin/core/text/utf8.h"

namespace dedup::command {
namespace {

struct Options {
  BrokerAccess broker;
  std::string rules;  // empty: those of the broker
  std::string topic;
  std::optional<std::string> message;
  std::string payload_file;  // "-": standard input
  std::vector<std::pair<std::string, std::string>> properties;
  std::string client;
  std::string username;
  bool help = false;
};

// What MQTT carries as a text.
std::string Text(std::string_view text) {
  if (!IsUtf8(text)) throw std::invalid_argument("takes UTF-8");
  return std::string(text);
}

std::string Topic(std::string_view text) {
  if (text.empty() || text.find_first_of("+#") != std::string_view::npos) {
    throw std::invalid_argument("takes a topic without wildcards");
  }
  return Text(text);
}

std::vector<Option> OptionsOf(Options* options) {
  std::vector<Option> table = {
      {{"--rules"},
       "FILE",
       "a rules file, and no broker is asked; -: standard input (none)",
       [options](std::string_view text) {
         if (text.empty()) throw std::invalid_argument("takes a file");
         options->rules = text;
       },
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
         options->properties.emplace_back(Text(text.substr(0, equals)), Text(text.substr(equals + 1)));
       }},
      {{"--client"},
       "ID",
       "its publisher's client id (none)",
       [options](std::string_view text) { options->client = Text(text); }},
      {{"--client-username"},
       "NAME",
       "its publisher's user name (none)",
       [options](std::string_view text) { options->username = Text(text); }},
  };
  const std::vector<Option> broker = BrokerOptions(&options->broker);
  table.insert(table.end(), broker.begin(), broker.end());
  table.push_back({{"--help"}, "", "show this", [options](std::string_view) { options->help = true; }, "Else"});
  return table;
}

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup explain -t TOPIC [-m PAYLOAD | -f FILE | -s] [-h HOST] [-p PORT] [OPTION...]\n"
         "       mosquitto-dedup explain --rules FILE -t TOPIC [-m PAYLOAD | -f FILE | -s] [OPTION...]\n"
         "Says which rule would take a message, which parts of its key each rule found or missed, and the key's text. "
         "The\n"
         "plugin of a running broker is asked, which also knows whether the message would be a duplicate now; nothing "
         "is\n"
         "published. The user must be allowed to publish on $CONTROL/dedup/v1, and an answer is waited for 5 s. With "
         "--rules no\n"
         "broker is asked, and the rule behind those of the file is the one that the plugin's options make, with their "
         "defaults.\n"
         "In brackets: the default.\n" +
         OptionsText(table);
}

void CheckTogether(const Options& options) {
  CheckTogether(options.broker);
  if (!options.rules.empty() && options.broker.is_named) {
    throw UsageError("--rules does not go with options of a broker: with it no broker is asked");
  }
  if (options.topic.empty()) throw UsageError("-t TOPIC is missing");
  if (options.message && !options.payload_file.empty()) throw UsageError("the payload comes from one of -m, -f and -s");
  if (options.rules == "-" && options.payload_file == "-")
    throw UsageError("standard input cannot be both rules and payload");
}

std::string PayloadOf(const Options& options) {
  return options.payload_file.empty() ? options.message.value_or("") : ReadInput(options.payload_file);
}

int ExplainByFile(const Options& options) {
  std::optional<RuleSet> rules = LoadRules(options.rules);
  if (!rules) return EXIT_FAILURE;
  const std::string payload = PayloadOf(options);
  std::vector<UserProperty> properties;
  for (const auto& [name, value] : options.properties) properties.push_back({name, value});

  KeyFinder finder(*std::move(rules), HashSecret{});
  const Explanation explanation =
      Explain(finder, {options.topic, payload, options.client, options.username, properties});
  return Print(ExplanationText(explanation, finder.rules()));
}

// The members of the command "explain".
std::string Described(const Options& options, std::string_view payload) {
  std::vector<std::string> properties;
  for (const auto& [name, value] : options.properties) {
    const std::string pair[] = {Quoted(name), Quoted(value)};
    properties.push_back(ArrayText({pair[0], pair[1]}));
  }
  ObjectText object;
  object.AddText("topic", options.topic);
  if (IsUtf8(payload)) {
    object.AddText("payload", payload);
  } else {
    object.AddText("payload_base64", Base64Of(payload));
  }
  object.AddText("client_id", options.client).AddText("username", options.username);
  const std::string text = object.AddRaw("properties", ArrayText({properties.begin(), properties.end()})).Take();
  return text.substr(1, text.size() - 2);
}

int ExplainByBroker(const Options& options) {
  const std::string payload = PayloadOf(options);
  const PluginCommand command{"explain", Described(options, payload)};
  if (command.members.size() > kCommandMembersBytesMax) {
    throw std::runtime_error("a payload of " + std::to_string(payload.size()) +
                             " bytes is too large to ask the broker about; with --rules FILE there is no limit");
  }
  return Print(ExplainedText(PluginClient(options.broker).Ask(command)));
}

}  // namespace

int RunExplain(std::span<const std::string_view> arguments) {
  Options options;
  const std::vector<Option> table = OptionsOf(&options);
  ReadArguments(table, arguments);
  if (options.help) return Print(HelpText(table));
  CheckTogether(options);
  return options.rules.empty() ? ExplainByBroker(options) : ExplainByFile(options);
}

}  // namespace dedup::command
