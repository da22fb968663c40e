// The names of rules, by which rows and clients know them.
#pragma once

#include <cstddef>
#include <string_view>

namespace dedup {

inline constexpr std::size_t kRuleNameBytesMax = 32;

/// The name under which the rule of the plugin's options is shown; no rule of a file may have it.
inline constexpr std::string_view kDefaultRuleName = "default";

/// What a name takes, as part of a sentence.
inline constexpr std::string_view kRuleNameTakes = "1 to 32 of the characters A-Z a-z 0-9 _ -";

bool IsRuleName(std::string_view name);

}  // namespace dedup
