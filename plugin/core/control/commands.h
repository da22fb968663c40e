// The plugin's commands and receipts as JSON, after the broker's convention for $CONTROL topics.
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/control/top_counts.h"
#include "plugin/core/deduplicator.h"
#include "plugin/core/options.h"

namespace dedup {

inline constexpr char kControlTopic[] = "$CONTROL/dedup/v1";
inline constexpr char kResponseTopic[] = "$CONTROL/dedup/v1/response";
inline constexpr char kReceiptTopic[] = "$CONTROL/dedup/v1/receipt";

struct ControlResult {
  std::string response;  ///< {"responses":[…]}, one for each command
  bool receipts;         ///< whether the client gets receipts from now on
};

/// Carries out `{"commands":[{"command":"receipts","enable":true,"correlationData":"…"},{"command":"top"}]}`.
/// `receipts` is the client's setting so far. What cannot be understood is answered with an "error" that says what is
/// expected. While `trouble` says why events cannot be stored, receipts are not turned on.
ControlResult HandleControl(std::string_view payload, bool receipts, const Options& options, const TopCounts& top,
                            const std::string& trouble = {});

/// `{"topic":…,"event_id":…,"verdict":…,"seq":…}`; event_id and seq are null for what is no event.
std::string ReceiptJson(std::string_view topic, const Outcome& outcome);

}  // namespace dedup
