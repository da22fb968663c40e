// Commands on $CONTROL/dedup/v1 and the plugin's answers, as its clients write and read them; core/control carries them
// out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

inline constexpr char kControlTopic[] = "$CONTROL/dedup/v1";
inline constexpr char kResponseTopic[] = "$CONTROL/dedup/v1/response";

/// What a client with numbered receipts, a sidecar, is called wherever a client id is shown or counts: its own is
/// another one with each connection, and a secret, because whoever connects under it cuts that connection.
inline constexpr char kSidecarName[] = "mosquitto-dedup-http";

/// Asks for numbered receipts (see ReceiptKind).
inline constexpr char kReceiptsCommand[] = R"({"commands":[{"command":"receipts","enable":true,"numbered":true}]})";

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

/// The beginning of the error with which a plugin answers a command that it does not know.
inline constexpr char kUnknownCommand[] = "unknown command";

/// Of a request; one that is larger is not read.
inline constexpr std::size_t kRequestBytesMax = std::size_t{64} << 10;
/// Of a command's members behind its name, in a request of its own.
inline constexpr std::size_t kCommandMembersBytesMax = kRequestBytesMax - 256;
/// Of a command "duplicates".
inline constexpr std::size_t kDuplicatesSeqsMax = 100;

/// A command that the plugin answers and that changes nothing for the client.
struct PluginCommand {
  std::string name;
  std::string members;  ///< further members of its JSON object, with commas between them: `"name":"wis2"`

  friend bool operator==(const PluginCommand&, const PluginCommand&) = default;
};
/// The request with that one command; its answer repeats the correlation data.
std::string CommandRequest(const PluginCommand& command, std::string_view correlation);

struct CommandAnswer {
  std::string command;
  std::string correlation;
  std::string text;   ///< a JSON object of all members but these two and the error
  std::string error;  ///< empty where there is none
};
/// The answers in a message of the plugin's that have correlation data.
std::vector<CommandAnswer> ParseCommandAnswers(std::string_view text);

/// Whether the plugin tells that it has not read a request, which was too large or malformed.
bool IsUnread(std::string_view answer);

/// Whether no plugin has answered but the broker itself, as Mosquitto does from 2.1 on where none serves the topic.
bool IsAnswerOfBroker(std::string_view text);

}  // namespace dedup
