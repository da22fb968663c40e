// Files that a person names, and standard input under the name "-".
#pragma once

#include <string>

namespace dedup::command {

/// All bytes of a file; of standard input where the path is "-".
/// Errors: std::system_error, whose what() names the file and the reason.
std::string ReadInput(const std::string& path);

}  // namespace dedup::command
