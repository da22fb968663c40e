// What each rule found in a message, as people read it.
#pragma once

#include <string>

#include "plugin/core/rules/explain.h"
#include "plugin/core/rules/rule_set.h"

namespace dedup::command {

/// A page of text: each rule that was asked, its parts, and in the end the rule that decides.
std::string ExplanationText(const Explanation& explanation, const RuleSet& rules);

/// The same from a running plugin's answer to the command "explain", with the verdict as of then.
/// Errors: std::runtime_error, when the answer is not what this program knows.
std::string ExplainedText(const std::string& answer);

}  // namespace dedup::command
