// Proposed rules as the text of a rules file.
#pragma once

#include <span>
#include <string>

#include "command/advise/rule_proposal.h"

namespace dedup::command {

/// `{"rules": […]}` with a line for each rule.
std::string RulesText(std::span<const RuleProposal> rules);

}  // namespace dedup::command
