// The sidecar's log: one line to stderr for each thing that an operator must know; the service manager adds the time.
#pragma once

#include <chrono>
#include <string_view>

namespace dedup::sidecar {

/// Writes a line. Nobody waits for whoever reads the log: a thread of its own writes, and while more than 1 MiB waits
/// for it further lines are lost, and their number is told as soon as there is room again. Threading: from any thread;
/// lines do not mix.
void Log(std::string_view line);

/// A line as it is, without the program's name in front.
void WriteLine(std::string_view line);

/// Waits until all lines are written, but no longer than that. To be called before the process ends.
void FlushLog(std::chrono::milliseconds patience = std::chrono::milliseconds(500));

}  // namespace dedup::sidecar
