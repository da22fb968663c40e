#include "plugin/core/event/rule_name.h"

namespace dedup {

bool IsRuleName(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kRuleNameBytesMax &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace dedup
