// Carries out commands, after the broker's convention for $CONTROL topics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/contract/receipts.h"
#include "plugin/core/control/top_counts.h"

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
};

/// What a client with receipts must know to fit its publishes to the plugin.
struct PublishSettings {
  std::string_view id_member, id_property;
  std::vector<std::string> topics;  ///< see EventTopics
};

/// What the command `receipts` is answered with when it turns numbered receipts on, for a client that has them already:
/// the settings have changed. Nothing else comes of it, the numbers go on.
std::string ChangedSettings(const PublishSettings& settings);

/// Carries out `{"commands":[{"command":"receipts","enable":true,"correlationData":"…"},{"command":"top"}]}`.
/// `receipts` is the client's setting so far. What cannot be understood is answered with an "error" that says what is
/// expected. While `trouble` says why events cannot be stored, receipts are not turned on.
ControlResult HandleControl(std::string_view payload, ReceiptSetting receipts, const PublishSettings& settings,
                            const TopCounts& top, const std::string& trouble = {});

}  // namespace dedup
