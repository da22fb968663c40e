// What the plugin says to its clients: answers to commands, and receipts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup::sidecar {

inline constexpr char kControlTopic[] = "$CONTROL/dedup/v1";
inline constexpr char kControlAnswerTopic[] = "$CONTROL/dedup/v1/response";
inline constexpr char kReceiptTopic[] = "$CONTROL/dedup/v1/receipt";
inline constexpr char kReceiptsCommand[] = R"({"commands":[{"command":"receipts","enable":true}]})";

/// How the plugin finds an event's id and which topics it deduplicates.
struct PluginSettings {
  std::string id_member;
  std::string id_property;
  std::vector<std::string> topics;  ///< MQTT filters
};

/// The answer to kReceiptsCommand. `error` is empty when receipts are on.
struct ControlAnswer {
  PluginSettings settings;
  std::string error;
};
/// Nothing when the text is no answer to that command.
std::optional<ControlAnswer> ParseControlAnswer(std::string_view text);

inline constexpr char kTopCommand[] = R"({"commands":[{"command":"top"}]})";

/// The answer to kTopCommand.
struct TopAnswer {
  std::string text;   ///< {"since":…,"topics":[…],"duplicate_clients":[…]}
  std::string error;  ///< empty where there is none
};
/// Nothing when the text is no answer to that command.
std::optional<TopAnswer> ParseTopAnswer(std::string_view text);

enum class Verdict : std::uint8_t { kProcessed, kDuplicate, kPassed };

/// What became of an event.
struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::uint64_t seq = 0;  ///< of the first, for a duplicate; 0 where there is none

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct Receipt {
  std::string topic;
  std::string event_id;
  Outcome outcome;
};

/// Calls `on_receipt` for each receipt of a message, which holds one or an array of them, in the order of publishing.
/// False when the message is malformed; the receipts before the flaw have been told all the same.
bool ForEachReceipt(std::string_view text, const std::function<void(const Receipt&)>& on_receipt);

}  // namespace dedup::sidecar
