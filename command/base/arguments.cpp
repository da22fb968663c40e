#include "command/base/arguments.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace dedup::command {
namespace {

constexpr std::size_t kHelpColumn = 27;

std::string NamesOf(const Option& option) {
  std::string names;
  for (const std::string_view name : option.names) names.append(names.empty() ? "" : ", ").append(name);
  if (!option.value.empty()) names.append(" ").append(option.value);
  return names;
}

void Set(const Option& option, std::string_view name, std::string_view text) {
  try {
    option.set(text);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string(name) + " " + error.what() + ", not \"" + std::string(text) + "\"");
  }
}

}  // namespace

void ReadArguments(std::span<const Option> options, std::span<const std::string_view> arguments,
                   std::vector<std::string>* others) {
  bool is_behind_options = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const bool is_option = argument.size() > 1 && argument.starts_with('-') && !is_behind_options;
    if (others != nullptr && argument == "--" && !is_behind_options) {
      is_behind_options = true;
      continue;
    }
    if (others != nullptr && !is_option) {
      others->emplace_back(argument);
      continue;
    }
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string_view::npos;
    const std::string_view name = argument.substr(0, equals);
    const auto option = std::find_if(options.begin(), options.end(), [name](const Option& known) {
      return std::find(known.names.begin(), known.names.end(), name) != known.names.end();
    });
    if (option == options.end()) {
      throw UsageError("unknown argument \"" + std::string(argument) + "\"; --help lists what there is");
    }
    if (option->value.empty()) {
      if (equals != std::string_view::npos) throw UsageError(std::string(name) + " takes no value");
      option->set({});
    } else if (equals != std::string_view::npos) {
      Set(*option, name, argument.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      Set(*option, name, arguments[++i]);
    } else {
      throw UsageError(std::string(name) + " takes a value");
    }
  }
}

int Print(const std::string& text) {
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!is_written && errno == EPIPE) {
    // Who reads has enough, as in `| head`. libmosquitto has this signal ignored.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (!is_written) std::perror("mosquitto-dedup: cannot write to standard output");
  return is_written ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::string OptionsText(std::span<const Option> options) {
  std::string text;
  for (const Option& option : options) {
    if (!option.heading.empty()) text.append("\n").append(option.heading).append(":\n");
    // The man page is made of this: two blanks part an option from its text.
    std::string line = "  " + NamesOf(option);
    if (line.size() + 2 > kHelpColumn) line.append("\n").append(kHelpColumn, ' ');
    if (line.size() < kHelpColumn) line.resize(kHelpColumn, ' ');
    text.append(line).append(option.help).append("\n");
  }
  return text;
}

}  // namespace dedup::command
