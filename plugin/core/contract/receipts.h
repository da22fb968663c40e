// Receipts: what the plugin tells a publisher that asked for them, as JSON. Written and read here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/event/outcome.h"

namespace dedup {

inline constexpr char kReceiptTopic[] = "$CONTROL/dedup/v1/receipt";

/// Which receipts a client has asked for.
enum class ReceiptKind : std::uint8_t {
  kNone,
  kPlain,
  /// Numbered from 1 on since the client asked: in the order of publishing, one for each publish that the plugin is
  /// shown. So a client knows which publish each is for without knowing how the plugin finds ids, and that one was
  /// lost. No number is spent on a publish that the broker refuses by itself. At QoS 1 and 2 MQTT 5 tells of that, in
  /// an acknowledgement that comes before the receipts of all later publishes. At QoS 0 nothing tells, so these
  /// receipts also have a checksum of the payload.
  kNumbered,
};

struct Receipt {
  std::string_view topic;
  std::string_view event_id;  ///< or the text of the key that a rule has made; empty for what is no event
  Outcome outcome;
  std::uint64_t number = 0;                    ///< 0: it is not numbered
  std::optional<std::uint32_t> checksum = {};  ///< of a numbered one for a publish at QoS 0, see ReceiptChecksum
};

std::uint32_t ReceiptChecksum(std::string_view payload);

/// `{"topic":…,"event_id":…,"verdict":…,"seq":…}`, and `"number":…` and `"checksum":…` where it has them; event_id and
/// seq are null for what is no event. The texts are valid UTF-8.
std::string ReceiptJson(const Receipt& receipt);

/// Calls `on_receipt` for each receipt of a message, which holds one or an array of them, in the order of publishing;
/// their texts are valid until it returns.
/// False when the message is malformed; the receipts before the flaw have been told all the same.
bool ForEachReceipt(std::string_view text, const std::function<void(const Receipt&)>& on_receipt);

}  // namespace dedup
