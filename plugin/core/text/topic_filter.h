// MQTT topic filters: which are valid, and which topics they match.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dedup {

/// Whether `filter` is a topic filter of MQTT (v5.0, section 4.7): `+` and `#` only as whole levels, `#` only last.
bool IsTopicFilter(std::string_view filter);

/// Whether a topic matches a valid filter. Topics beginning with `$` match no filter that begins with a wildcard.
bool MatchesFilter(std::string_view topic, std::string_view filter);

/// Whether every topic that matches `inner` matches `outer` too; both are valid filters. Topics beginning with `$` do
/// not count here, and an empty topic, which MQTT does not have, does.
bool CoversFilter(std::string_view outer, std::string_view inner);

/// Whether it matches one of them.
bool MatchesAny(std::string_view topic, std::span<const std::string> filters);

}  // namespace dedup
