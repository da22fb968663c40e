// Commands on $CONTROL/dedup/v1 and the plugin's answers, as its clients write and read them; core/control carries them
// out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

inline constexpr char kControlTopic[] = "$CONTROL/dedup/v1";
inline constexpr char kResponseTopic[] = "$CONTROL/dedup/v1/response";

/// Asks for numbered receipts (see ReceiptKind).
inline constexpr char kReceiptsCommand[] = R"({"commands":[{"command":"receipts","enable":true,"numbered":true}]})";
inline constexpr char kTopCommand[] = R"({"commands":[{"command":"top"}]})";

/// How the plugin finds an event's id and which topics it deduplicates.
struct PluginSettings {
  std::string id_member;
  std::string id_property;
  std::vector<std::string> topics;  ///< MQTT filters
};

/// The answer to kReceiptsCommand.
struct ReceiptsAnswer {
  PluginSettings settings;
  bool is_numbered = false;  ///< an older plugin's are not
  std::string error;         ///< empty when receipts are on
};
/// Nothing when the text is no answer to that command.
std::optional<ReceiptsAnswer> ParseReceiptsAnswer(std::string_view text);

/// The answer to kTopCommand.
struct TopAnswer {
  std::string text;   ///< {"since":…,"topics":[…],"duplicate_clients":[…]}
  std::string error;  ///< empty where there is none
};
/// Nothing when the text is no answer to that command.
std::optional<TopAnswer> ParseTopAnswer(std::string_view text);

/// Whether no plugin has answered but the broker itself, as Mosquitto does from 2.1 on where none serves the topic.
bool IsAnswerOfBroker(std::string_view text);

}  // namespace dedup
