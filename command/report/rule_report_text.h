// What the plugin says of one rule, as people read it.
#pragma once

#include <string>

namespace dedup::command {

/// A page of text from the answer to the command "rule": its counters and, of a rule that observes, what it would do.
/// Errors: std::runtime_error, when the answer is not what this program knows.
std::string RuleReportText(const std::string& answer);

}  // namespace dedup::command
