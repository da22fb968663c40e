// Proposed rules applied to all that was watched, just as the plugin would apply them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "command/advise/rule_proposal.h"
#include "command/capture/capture.h"

namespace dedup::command {

/// What one rule would do. Its own messages are those of the group that it was made for; all others are strangers.
struct RuleEffect {
  std::size_t keyed_count = 0;     ///< own messages of which it makes a key
  std::size_t dropped_count = 0;   ///< of these, copies
  std::size_t stranger_count = 0;  ///< strangers of which it makes a key
};

/// Applies the rules in their order, each as though it dropped. `group_of_message` says for each message which group it
/// belongs to, `group_of_rule` the same for each rule. Own messages behind the first `row_max` of a group are keyed and
/// dropped, but not counted.
/// Errors: std::logic_error, when the plugin would not take the rules.
std::vector<RuleEffect> EffectsOf(std::span<const RuleProposal> rules, std::span<const std::uint32_t> group_of_rule,
                                  std::span<const Message> messages, std::span<const std::uint32_t> group_of_message,
                                  std::size_t row_max);

}  // namespace dedup::command
