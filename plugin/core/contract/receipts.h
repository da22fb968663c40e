// Receipts: what the plugin tells a publisher that asked for them, as JSON. Written and read here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "plugin/core/event/outcome.h"

namespace dedup {

inline constexpr char kReceiptTopic[] = "$CONTROL/dedup/v1/receipt";

/// `{"topic":…,"event_id":…,"verdict":…,"seq":…}`; event_id and seq are null for what is no event.
std::string ReceiptJson(std::string_view topic, std::string_view event_id, const Outcome& outcome);

struct Receipt {
  std::string topic;
  std::string event_id;  ///< empty for what is no event
  Outcome outcome;
};

/// Calls `on_receipt` for each receipt of a message, which holds one or an array of them, in the order of publishing.
/// False when the message is malformed; the receipts before the flaw have been told all the same.
bool ForEachReceipt(std::string_view text, const std::function<void(const Receipt&)>& on_receipt);

}  // namespace dedup
