// What became of a rules file that was read anew, as people read it.
#pragma once

#include <string>

namespace dedup::command {

/// A line from the answer to the command "reloadRules".
/// Errors: std::runtime_error, when the answer is not what this program knows.
std::string ReloadedText(const std::string& answer);

}  // namespace dedup::command
