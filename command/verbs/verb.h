// What `mosquitto-dedup` can be told to do: one file a verb.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dedup::command {

struct Verb {
  std::string_view name;
  std::string_view summary;  ///< a line of --help
  /// Returns the exit code. Errors: UsageError; others derive from std::exception, and what() says what went wrong.
  int (*run)(std::span<const std::string_view> arguments);
};

int RunAdvise(std::span<const std::string_view> arguments);
int RunExplain(std::span<const std::string_view> arguments);
int RunReload(std::span<const std::string_view> arguments);
int RunRules(std::span<const std::string_view> arguments);
int RunStats(std::span<const std::string_view> arguments);
int RunTop(std::span<const std::string_view> arguments);

}  // namespace dedup::command
