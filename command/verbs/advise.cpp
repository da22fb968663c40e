// mosquitto-dedup advise: watches a broker, or reads a capture, and proposes rules.

#include "command/advise/advise.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "command/advise/rules_text.h"
#include "command/base/arguments.h"
#include "command/capture/capture.h"
#include "command/capture/lines.h"
#include "command/mqtt/broker_access.h"
#include "command/report/report.h"
#include "command/verbs/verb.h"
#include "command/verbs/watching.h"
#include "plugin/core/text/topic_filter.h"
#include "plugin/core/text/units.h"

namespace dedup::command {
namespace {

struct Options {
  Watching watching;
  std::string write_path;
  std::string file;
  bool watches = false;  // an option was given that only watching has
  bool as_json = false;
  bool as_rules = false;
  bool across_gateways = false;
  bool help = false;
};

std::vector<Option> OptionsOf(Options* options) {
  std::vector<Option> table = BrokerOptions(&options->watching.broker);
  const std::vector<Option> others = {
      {{"-t", "--topic"},
       "FILTER",
       "topics to watch, as often as wanted (#)",
       [options](std::string_view text) {
         if (!IsTopicFilter(text)) throw std::invalid_argument("takes an MQTT topic filter");
         options->watching.filters.emplace_back(text);
         options->watches = true;
       },
       "Watching"},
      {{"--for"},
       "TIME",
       "how long, such as 90s, 10m or 2h (10m); Ctrl-C ends it early",
       [options](std::string_view text) {
         const auto duration = ParseDuration(text);
         if (!duration || *duration < std::chrono::seconds(1)) {
           throw std::invalid_argument("takes a time of 1s or more, such as 90s, 10m or 2h");
         }
         options->watching.duration = *duration;
         options->watches = true;
       }},
      {{"--write"},
       "CAPTURE",
       "keep what was watched in this file, for --file",
       [options](std::string_view text) {
         options->write_path = text;
         options->watches = true;
       }},
      {{"--file"},
       "CAPTURE",
       "read this file and watch no broker; -: standard input",
       [options](std::string_view text) {
         if (text.empty()) throw std::invalid_argument("takes a file");
         options->file = text;
       },
       "Reading"},
      {{"--rules"},
       "",
       "print the rules file and nothing else",
       [options](std::string_view) { options->as_rules = true; },
       "Result"},
      {{"--json"},
       "",
       "print rules, evidence and reasons as JSON",
       [options](std::string_view) { options->as_json = true; }},
      {{"--across-gateways"},
       "",
       "let rules that join what several gateways or publishers sent drop at once",
       [options](std::string_view) { options->across_gateways = true; }},
      {{"--help"}, "", "show this", [options](std::string_view) { options->help = true; }},
  };
  table.insert(table.end(), others.begin(), others.end());
  return table;
}

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup advise [-h HOST] [-p PORT] [-t FILTER] [--for TIME] [OPTION...]\n"
         "       mosquitto-dedup advise --file CAPTURE [OPTION...]\n"
         "Watches what is published to a broker, with or without the plugin there, looks for events that come more "
         "than\n"
         "once, and proposes rules that would recognise them, each with its evidence. In brackets: the default.\n" +
         OptionsText(table);
}

void CheckTogether(const Options& options) {
  CheckTogether(options.watching.broker);
  if (options.as_json && options.as_rules) throw UsageError("--json and --rules do not go together");
  if (!options.file.empty() && options.watches) {
    throw UsageError("--file does not go with -t, --for and --write: it watches no broker");
  }
}

void WatchBroker(const Options& options, Capture* capture) {
  const auto fail = [&options] {
    throw std::system_error(errno, std::system_category(), "cannot write " + options.write_path);
  };
  std::ofstream kept;
  if (!options.write_path.empty()) {
    kept.open(options.write_path, std::ios::trunc);
    if (!kept) fail();
  }
  Watch(options.watching, capture, [&](const Message& message) {
    if (kept.is_open() && !(kept << LineOf(message))) fail();
  });
  if (kept.is_open() && !kept.flush()) fail();
}

void ReadFile(const std::string& path, Capture* capture) {
  LinesRead read;
  if (path == "-") {
    read = ReadLines(std::cin, capture);
  } else {
    const auto fail = [&path] { throw std::system_error(errno, std::system_category(), "cannot read " + path); };
    std::ifstream file(path);
    if (!file) fail();
    file.peek();
    if (file.bad()) fail();  // a directory, say
    file.clear();
    try {
      read = ReadLines(file, capture);
    } catch (const LineError& error) {
      throw LineError(path + ", " + error.what());
    }
  }
  if (read.damaged_payload_count != 0) {
    std::fprintf(stderr, "Left out %zu messages whose payload is no text, which mosquitto_sub's %%j cannot write.\n",
                 read.damaged_payload_count);
  }
}

}  // namespace

int RunAdvise(std::span<const std::string_view> arguments) {
  Options options;
  const std::vector<Option> table = OptionsOf(&options);
  ReadArguments(table, arguments);
  if (options.help) return Print(HelpText(table));
  CheckTogether(options);

  Capture capture;
  options.file.empty() ? WatchBroker(options, &capture) : ReadFile(options.file, &capture);
  const Advice advice = Advise(capture, {.across_gateways = options.across_gateways});
  return Print(options.as_rules  ? RulesText(advice.rules)
               : options.as_json ? ReportJson(advice, capture)
                                 : ReportText(advice, capture));
}

}  // namespace dedup::command
