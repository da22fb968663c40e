// mosquitto-dedup: a command for people who run a broker; each verb is a file in verbs/.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "command/base/arguments.h"
#include "command/verbs/verb.h"

namespace dedup::command {
namespace {

constexpr int kExitUsage = 2;

constexpr Verb kVerbs[] = {
    {"advise", "watches what is published, and proposes rules that recognise duplicates", RunAdvise},
    {"explain", "says which rule takes a message, and why", RunExplain},
    {"reload", "lets a running broker's plugin read its rules file anew", RunReload},
    {"rules", "checks a rules file, or shows what the rules of a running broker do", RunRules},
    {"stats", "shows what a running broker's plugin has counted", RunStats},
    {"top", "shows the same each second: rates, and where duplicates come from", RunTop},
};

std::string LineOf(std::string_view name, std::string_view text) {
  std::string line = "  " + std::string(name);
  line.resize(std::max<std::size_t>(line.size() + 2, 14), ' ');
  return line.append(text).append("\n");
}

std::string HelpText() {
  std::string text =
      "Usage: mosquitto-dedup VERB [OPTION...]\n"
      "Finds and tries the rules by which a broker with the plugin mosquitto-dedup recognises events that come more "
      "than\n"
      "once, and shows what a running one does. mosquitto-dedup VERB --help says more.\n\n"
      "Verbs:\n";
  for (const Verb& verb : kVerbs) text += LineOf(verb.name, verb.summary);
  text += "\nElse:\n" + LineOf("--help", "show this") + LineOf("--version", "show the version");
  return text;
}

int Main(const std::vector<std::string_view>& arguments) {
  try {
    if (arguments.empty()) throw UsageError("a verb is missing; --help lists what there is");
    if (arguments[0] == "--help") return Print(HelpText());
    if (arguments[0] == "--version") return Print("mosquitto-dedup " DEDUP_VERSION "\n");
    const Verb* const verb = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                          [&](const Verb& known) { return known.name == arguments[0]; });
    if (verb == std::end(kVerbs))
      throw UsageError("unknown verb " + std::string(arguments[0]) + "; --help lists what there is");
    return verb->run(std::span(arguments).subspan(1));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "mosquitto-dedup: %s\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mosquitto-dedup: %s\n", error.what());
    return EXIT_FAILURE;
  }
}

}  // namespace
}  // namespace dedup::command

int main(int argc, char** argv) { return dedup::command::Main({argv + 1, argv + argc}); }
