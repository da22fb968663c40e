// What the members of a rule say together: each may be right, and the rule may still not work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/rules/rule.h"

namespace dedup {

inline constexpr std::string_view kWindowTakes =
    "a duration from 100ms to 36500d, such as 30s, 15m or 24h, or \"forever\"";

struct RuleProblem {
  std::string member;  ///< that is to be changed
  std::string what;    ///< what is wrong, and what is expected
  bool is_error = true;
};

/// What cannot work, or would do harm (errors), and what has no effect where it looks as if it had (warnings).
std::vector<RuleProblem> CheckRule(const Rule& rule);

}  // namespace dedup
