// The commands about rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/deduplicator.h"

namespace dedup {

/// Asks what would become of a message (ExplainRequest).
inline constexpr std::string_view kExplainCommand = "explain";

/// Reads the rules file anew.
inline constexpr std::string_view kReloadCommand = "reloadRules";

/// Carries out `rules` (what all rules have done), `rule` (the report of the one with that `name`), `reloadRules` and
/// `explain`; `command` is a valid JSON object. Returns the answer, a JSON object; nothing for any other command.
/// Errors: std::bad_alloc.
std::optional<std::string> CarryOutForRules(std::string_view name, std::string_view command,
                                            Deduplicator& deduplicator);

}  // namespace dedup
