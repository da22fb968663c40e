// All rules in their order, and the one that today's options make behind them.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/rule_name.h"
#include "plugin/core/rules/rule.h"

namespace dedup {

/// Rules by number: 0, 1 … in the order of the file, and behind them the default rule's, be it there or not.
struct RuleSet {
  std::vector<Rule> rules;  ///< kRulesMax at most
  std::optional<DefaultRule> default_rule = DefaultRule{};

  std::size_t default_number() const { return rules.size(); }
  std::string_view NameOf(std::size_t number) const {
    return number < rules.size() ? std::string_view(rules[number].name) : kDefaultRuleName;
  }
  /// Number of the rule with this name; nothing where there is none.
  std::optional<std::size_t> Find(std::string_view name) const;
};

/// The MQTT filters of all topics on which a message can become an event, each once: not those of rules that observe.
std::vector<std::string> EventTopics(const RuleSet& rules);

/// A sentence for each rule that no message can reach, because an earlier rule has all its topics and only parts that
/// are always there.
std::vector<std::string> UnreachableRules(const RuleSet& rules);

}  // namespace dedup
