// Carries out commands, after the broker's convention for $CONTROL topics.
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/control/top_counts.h"
#include "plugin/core/options.h"

namespace dedup {

struct ControlResult {
  std::string response;  ///< {"responses":[…]}, one for each command
  bool receipts;         ///< whether the client gets receipts from now on
};

/// Carries out `{"commands":[{"command":"receipts","enable":true,"correlationData":"…"},{"command":"top"}]}`.
/// `receipts` is the client's setting so far. What cannot be understood is answered with an "error" that says what is
/// expected. While `trouble` says why events cannot be stored, receipts are not turned on.
ControlResult HandleControl(std::string_view payload, bool receipts, const Options& options, const TopCounts& top,
                            const std::string& trouble = {});

}  // namespace dedup
