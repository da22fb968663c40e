// The sidecar's log: one line to stderr for each thing that an operator must know; the service manager adds the time.
#pragma once

#include <string_view>

namespace dedup::sidecar {

/// Threading: from any thread; lines do not mix.
void Log(std::string_view line);

/// A line as it is, without the program's name in front.
void WriteLine(std::string_view line);

}  // namespace dedup::sidecar
