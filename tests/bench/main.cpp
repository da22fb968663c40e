// The bench: what the plugin costs, in alternation with what it is compared with, so that a noisy machine disturbs both
// alike. `./bench --help` tells how to call it.
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/cases.h"

namespace dedup::bench {
namespace {

constexpr char kHelp[] =
    "usage: dedup_bench --plugin FILE --sidecar FILE [--broker FILE]... [--case PATTERN]... [--pairs N] [--scale X]\n"
    "                   [--json FILE] [--list]\n"
    "  --broker FILE   a mosquitto; several are measured one after the other (/usr/sbin/mosquitto)\n"
    "  --case PATTERN  cases by name, * for any: 'mqtt.qos*', 'store.20M', '*'; without it, those that --list marks\n"
    "  --pairs N       how often each side is measured (5)\n"
    "  --scale X       of all amounts: 0.1 for a quick look (1)\n"
    "  --json FILE     puts the results there, beside those of other cases and brokers\n"
    "  --list          the cases\n";

struct Arguments {
  Programs programs;
  std::vector<std::string> brokers;
  std::vector<std::string> patterns;
  Context context;
  std::filesystem::path json;
  bool list = false;
};

Arguments Parse(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (name == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    }
    if (name == "--list") {
      arguments.list = true;
      continue;
    }
    if (++i == count) throw std::invalid_argument(std::string(name) + " is unknown, or needs a value; see --help");
    const std::string value = words[i];
    Context& context = arguments.context;
    if (name == "--plugin") {
      context.programs.plugin = value;
    } else if (name == "--sidecar") {
      context.programs.sidecar = value;
    } else if (name == "--broker") {
      arguments.brokers.push_back(value);
    } else if (name == "--case") {
      arguments.patterns.push_back(value);
    } else if (name == "--pairs") {
      context.pairs = std::max(std::atoi(value.c_str()), 1);
    } else if (name == "--scale") {
      context.scale = std::strtod(value.c_str(), nullptr);
      if (!(context.scale > 0)) throw std::invalid_argument("--scale takes a number above 0");
    } else if (name == "--json") {
      arguments.json = value;
    } else {
      throw std::invalid_argument("unknown option " + std::string(name) + "; see --help");
    }
  }
  if (arguments.brokers.empty()) arguments.brokers.push_back(arguments.context.programs.broker);
  return arguments;
}

bool IsWanted(const Case& one, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return one.is_in_plan;
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return fnmatch(pattern.c_str(), one.name.c_str(), 0) == 0; });
}

// Whether these can be figures; whether they are good ones is for whoever reads them.
void Check(const Result& result) {
  if (result.figures.empty()) throw std::runtime_error(result.case_name + " has measured nothing");
  for (const Figure& figure : result.figures) {
    const bool plausible = std::ranges::all_of(figure.values, [](double value) { return std::isfinite(value); }) &&
                           (figure.reference.empty() || (std::isfinite(figure.Ratio()) && figure.Ratio() > 0));
    if (!plausible) throw std::runtime_error(result.case_name + ": \"" + figure.name + "\" cannot be");
  }
}

int Main(int count, char** words) {
  Arguments arguments = Parse(count, words);
  std::vector<Case> cases;
  for (const auto& group : {MqttCases(), StoreCases(), StartCases(), HttpCases()}) {
    std::ranges::copy_if(group, std::back_inserter(cases),
                         [&](const Case& one) { return arguments.list || IsWanted(one, arguments.patterns); });
  }
  if (arguments.list) {
    for (const Case& one : cases) {
      std::printf("%c %-28s %s\n", one.is_in_plan ? '*' : ' ', one.name.c_str(), one.title.c_str());
    }
    return 0;
  }
  if (cases.empty()) throw std::invalid_argument("no case is of that name; see --list");

  for (const std::string& broker : arguments.brokers) {
    arguments.context.programs.broker = broker;
    const std::string version = BrokerVersion(broker);
    for (const Case& one : cases) {
      // What has no broker in it needs no second run with another one.
      if (!one.has_broker && broker != arguments.brokers.front()) continue;
      Result result{.case_name = one.name,
                    .title = one.title,
                    .broker = one.has_broker ? version : "",
                    .scale = arguments.context.scale,
                    .reference_name = {},
                    .figures = {}};
      one.run(arguments.context, result);
      Print(result);
      Check(result);
      if (!arguments.json.empty()) Save(result, arguments.json);
    }
  }
  return 0;
}

}  // namespace

std::size_t Context::Scaled(std::size_t amount) const {
  return static_cast<std::size_t>(static_cast<double>(amount) * scale);
}

}  // namespace dedup::bench

int main(int count, char** words) try { return dedup::bench::Main(count, words); } catch (const std::exception& error) {
  std::fprintf(stderr, "dedup_bench: %s\n", error.what());
  return 1;
}
