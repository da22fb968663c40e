// The rules file that a verb is given.
#pragma once

#include <optional>
#include <string>

#include "plugin/core/rules/rule_set.h"

namespace dedup::command {

/// Reads a rules file, "-" from standard input, with the plugin's own parser. Errors and warnings go to standard error,
/// each on a line behind the file's name; with an error there are no rules. Behind those of the file stands the rule
/// that the plugin's default options make.
/// Errors: std::system_error, when standard input cannot be read.
std::optional<RuleSet> LoadRules(const std::string& path);

}  // namespace dedup::command
