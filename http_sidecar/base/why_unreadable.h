// Why a file that somebody named cannot be read.
#pragma once

#include <filesystem>
#include <string>

namespace dedup::sidecar {

/// "No such file or directory", "Permission denied", "Is a directory", "is no regular file" … for a file that cannot be
/// read, or whose reading may not come to an end, as that of a pipe. Empty when it can be: what is wrong is in it.
/// Threading: any thread.
std::string WhyUnreadable(const std::filesystem::path& path);

}  // namespace dedup::sidecar
