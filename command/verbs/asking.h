// What the verbs that ask the plugin of a running broker have in common.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/mqtt/broker_access.h"

namespace dedup::command {

/// Reads such a verb's arguments: the options of the broker, `others` behind them, and --help; for `words` see
/// ReadArguments. The verb's exit code where help was asked for and has been shown. Errors: UsageError.
std::optional<int> ReadAskingArguments(std::span<const std::string_view> arguments,
                                       std::string (*help_text)(std::span<const Option>), BrokerAccess* broker,
                                       const std::vector<Option>& others = {},
                                       std::vector<std::string>* words = nullptr);

}  // namespace dedup::command
