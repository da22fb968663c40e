// Carries out commands, after the broker's convention for $CONTROL topics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/contract/receipts.h"
#include "plugin/core/control/top_counts.h"
#include "plugin/core/deduplicator.h"

namespace dedup {

/// A client's receipts.
struct ReceiptSetting {
  ReceiptKind kind = ReceiptKind::kNone;
  std::uint64_t last_number = 0;  ///< of those that are numbered; from 0 on whenever they are asked for

  friend bool operator==(const ReceiptSetting&, const ReceiptSetting&) = default;
};

struct ControlResult {
  std::string response;     ///< {"responses":[…]}, one for each command
  ReceiptSetting receipts;  ///< the client's from now on
  bool has_reloaded;        ///< the rules, so that clients with receipts are to be told their settings anew
};

/// What a client with receipts must know to fit its publishes to the plugin.
struct PublishSettings {
  std::string_view id_member, id_property;
  std::vector<std::string> topics;  ///< see EventTopics
};
/// The views are the options'.
PublishSettings SettingsOf(const Deduplicator& deduplicator);

/// What the command `receipts` is answered with when it turns numbered receipts on, for a client that has them already:
/// the settings have changed. Nothing else comes of it, the numbers go on.
std::string ChangedSettings(const PublishSettings& settings);

/// What commands may ask, and what they may change.
struct ControlContext {
  Deduplicator& deduplicator;
  const TopCounts& top;
};

/// Carries out `{"commands":[{"command":"receipts","enable":true,"correlationData":"…"},{"command":"top"}]}`.
/// `receipts` is the client's setting so far. What cannot be understood is answered with an "error" that says what is
/// expected. While events cannot be stored, receipts are not turned on.
ControlResult HandleControl(std::string_view payload, ReceiptSetting receipts, const ControlContext& context);

}  // namespace dedup
