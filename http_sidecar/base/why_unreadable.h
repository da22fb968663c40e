// Why a file that somebody named cannot be read.
#pragma once

#include <filesystem>
#include <string>

namespace dedup::sidecar {

/// "No such file or directory", "Permission denied", "Is a directory" … for a file that could not be read; empty when
/// it can be now, so that what is wrong is in it. Threading: any thread.
std::string WhyUnreadable(const std::filesystem::path& path);

}  // namespace dedup::sidecar
