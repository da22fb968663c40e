// What each rule found in a message, as people read it.
#pragma once

#include <string>

#include "plugin/core/rules/explain.h"
#include "plugin/core/rules/rule_set.h"

namespace dedup::command {

/// A page of text: each rule that was asked, its parts, and in the end the rule that decides.
std::string ExplanationText(const Explanation& explanation, const RuleSet& rules);

}  // namespace dedup::command
