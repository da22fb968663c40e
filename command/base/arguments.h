// A verb's command line: options as a table that is read, and shown by --help.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dedup::command {

/// An argument is unknown, malformed or missing. what() names it and says what it takes.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::vector<std::string_view> names;  ///< "-h", "--host"
  std::string_view value;               ///< what it takes, for --help; empty: nothing
  std::string_view help;
  std::function<void(std::string_view)> set;  ///< std::invalid_argument says what it takes, as in "takes a port"
  std::string_view heading = {};              ///< of the group that begins here
};

/// Sets what the arguments say: `-p 1884`, `--for 10m`, `--for=10m`. What is no option, and what stands behind `--`,
/// goes to `others` in its order; without `others` it is refused. Errors: UsageError.
void ReadArguments(std::span<const Option> options, std::span<const std::string_view> arguments,
                   std::vector<std::string>* others = nullptr);

/// Prints an answer; returns the exit code, which is a failure where standard output does not take it. Ends the program
/// as SIGPIPE does when nobody reads any more.
int Print(const std::string& text);

/// The options as --help shows them, each group under its heading.
std::string OptionsText(std::span<const Option> options);

}  // namespace dedup::command
