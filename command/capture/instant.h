// Times as texts have them.
#pragma once

#include <optional>
#include <string_view>

namespace dedup::command {

/// Seconds since 1970 of a text such as `2026-01-31T12:00:00.25Z`, `2026-01-31 12:00:00`, `20260131T120000Z` or
/// `20260131120000`; a zone (`Z`, `+01:00`, `Z+0000`) is heeded, without one it is taken for UTC. Of `12:00:00`:
/// seconds since midnight.
std::optional<double> InstantOf(std::string_view text);

/// The number that the whole text is, if it is one that is finite.
std::optional<double> NumberOf(std::string_view text);

}  // namespace dedup::command
