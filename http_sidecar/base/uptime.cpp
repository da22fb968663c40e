#include "http_sidecar/base/uptime.h"

#include <cstdio>

namespace dedup::sidecar {

std::string FormatUptime(std::chrono::seconds uptime) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(uptime);
  const std::chrono::hh_mm_ss time(uptime - days);
  char text[64];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", static_cast<long>(time.hours().count()),
                static_cast<long>(time.minutes().count()), static_cast<long>(time.seconds().count()));
  if (days.count() == 0) return text;
  return std::to_string(days.count()) + (days.count() == 1 ? " day, " : " days, ") + text;
}

}  // namespace dedup::sidecar
