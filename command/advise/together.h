// All proposed rules as they would work together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "command/advise/group_advice.h"
#include "command/capture/capture.h"

namespace dedup::command {

/// Applies the findings' rules to all messages: puts a member first that only the group has where a rule would take
/// other messages too, finds the order, and takes rules away until all that are left do what was thought of them. Those
/// are returned in the order of the file; a finding whose rule was taken away gets the reason. `group_of_message`: by
/// message, the number of its finding. Errors: std::bad_alloc.
std::vector<RuleProposal> SettleTogether(std::span<const Message> messages,
                                         std::span<const std::uint32_t> group_of_message,
                                         std::vector<GroupAdvice>* findings);

}  // namespace dedup::command
