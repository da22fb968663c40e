// mosquitto-dedup reload: lets the plugin of a running broker read its rules file anew.

#include "command/base/arguments.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/reloaded_text.h"
#include "command/verbs/asking.h"
#include "command/verbs/verb.h"

namespace dedup::command {
namespace {

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup reload [-h HOST] [-p PORT] [OPTION...]\n"
         "Lets the plugin of a running broker read its rules file anew. If something is wrong with the file, its rules "
         "stay as\n"
         "they were, standard error says what is wrong, and the exit code is 1. The user must be allowed to publish "
         "on\n"
         "$CONTROL/dedup/v1. An answer is waited for 5 s. In brackets: the default.\n" +
         OptionsText(table);
}

}  // namespace

int RunReload(std::span<const std::string_view> arguments) {
  BrokerAccess broker;
  if (const auto code = ReadAskingArguments(arguments, HelpText, &broker)) return *code;
  CheckTogether(broker);

  const PluginCommand command{"reloadRules", ""};
  return Print(ReloadedText(PluginClient(broker).Ask(command)));
}

}  // namespace dedup::command
