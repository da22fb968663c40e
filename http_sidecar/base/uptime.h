#pragma once

#include <chrono>
#include <string>

namespace dedup::sidecar {

/// "0:00:07", "23:59:59", beyond a day "1 day, 1:01:01" and "2 days, 7:33:20". Fractions of a second are cut off.
std::string FormatUptime(std::chrono::seconds uptime);

}  // namespace dedup::sidecar
