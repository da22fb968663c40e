// Topics that are of one kind: which of their levels vary.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dedup::command {

/// A topic's levels, `+` in place of those that look like ids, or that vary.
using Pattern = std::vector<std::string>;

/// The levels of a topic, between its slashes.
std::vector<std::string_view> LevelsOf(std::string_view topic);

/// Whether a topic's level looks like what a machine was given at the factory or by chance: a serial number, an
/// address, a UUID. Such a level is another one for the next device.
bool LooksLikeId(std::string_view level);

/// A single topic's.
Pattern PatternOf(std::string_view topic);

/// Puts patterns of one depth together: those that differ in one level (in two, from five levels on) and have a word in
/// common. `counts`: how many messages each has; what many have in common is found first.
std::vector<Pattern> KindsOf(const std::map<Pattern, std::size_t>& counts);

/// Whether a topic with this pattern is of the kind.
bool Fits(const Pattern& pattern, const Pattern& kind);

}  // namespace dedup::command
