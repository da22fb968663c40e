// How long an event's key is remembered, as its record and its row say it.
#pragma once

#include <cstdint>
#include <limits>

namespace dedup {

/// A window is a number of ms, or one of these.
inline constexpr std::int64_t kPluginWindow = 0;  ///< that of the plugin's option, whatever it says later
inline constexpr std::int64_t kForeverWindow = std::numeric_limits<std::int64_t>::max();

/// The age from which on a key is forgotten that was accepted at `accepted_ms` with a window of its own.
constexpr std::int64_t OverAt(std::int64_t window_ms, std::int64_t accepted_ms) {
  std::int64_t over_ms = 0;
  if (__builtin_add_overflow(window_ms, accepted_ms, &over_ms) || over_ms == kForeverWindow) return kForeverWindow;
  return over_ms + 1;
}

}  // namespace dedup
