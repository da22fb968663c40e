#include "command/verbs/asking.h"

namespace dedup::command {

std::optional<int> ReadAskingArguments(std::span<const std::string_view> arguments,
                                       std::string (*help_text)(std::span<const Option>), BrokerAccess* broker,
                                       const std::vector<Option>& others, std::vector<std::string>* words) {
  bool help = false;
  std::vector<Option> table = BrokerOptions(broker);
  table.insert(table.end(), others.begin(), others.end());
  const std::string_view heading = others.empty() ? "Else" : "";
  table.push_back({{"--help"}, "", "show this", [&help](std::string_view) { help = true; }, heading});
  ReadArguments(table, arguments, words);
  return help ? std::optional(Print(help_text(table))) : std::nullopt;
}

}  // namespace dedup::command
