#include "plugin/core/rules/rule_set.h"

#include <algorithm>
#include <span>
#include <unordered_set>

#include "plugin/core/text/topic_filter.h"

namespace dedup {
namespace {

bool CoverAll(std::span<const std::string> outer, std::span<const std::string> inner) {
  return std::ranges::all_of(inner, [outer](const std::string& filter) {
    return std::ranges::any_of(outer, [&](const std::string& other) { return CoversFilter(other, filter); });
  });
}

}  // namespace

std::optional<std::size_t> RuleSet::Find(std::string_view name) const {
  const auto rule = std::ranges::find(rules, name, &Rule::name);
  if (rule != rules.end()) return static_cast<std::size_t>(rule - rules.begin());
  if (name == kDefaultRuleName && default_rule) return default_number();
  return std::nullopt;
}

std::vector<std::string> EventTopics(const RuleSet& set) {
  std::vector<std::string> topics;
  std::unordered_set<std::string_view> known;  // there may be 64,000
  const auto add = [&](const std::vector<std::string>& filters) {
    for (const std::string& filter : filters) {
      if (known.insert(filter).second) topics.push_back(filter);
    }
  };
  for (const Rule& rule : set.rules) {
    if (rule.mode == RuleMode::kDrop) add(rule.topics);
  }
  if (set.default_rule) add(set.default_rule->topics);
  return topics;
}

std::vector<std::string> UnreachableRules(const RuleSet& set) {
  std::vector<std::string> sentences;
  const auto warn = [&](std::string_view name, const Rule& earlier) {
    sentences.push_back("rule '" + std::string(name) + "' can never be reached: the earlier rule '" + earlier.name +
                        "' has all its topics and makes a key of every message; put it behind, or narrow its topics");
  };
  for (std::size_t i = 0; i < set.rules.size(); ++i) {
    const Rule& earlier = set.rules[i];
    if (!earlier.AlwaysMakesKey()) continue;
    for (std::size_t j = i + 1; j < set.rules.size(); ++j) {
      const Rule& later = set.rules[j];
      // A rule that only observes leaves its messages to the rules behind it that do more.
      const bool takes = earlier.mode == RuleMode::kDrop || later.mode == RuleMode::kObserve;
      if (takes && CoverAll(earlier.topics, later.topics)) warn(later.name, earlier);
    }
    if (earlier.mode == RuleMode::kDrop && set.default_rule && CoverAll(earlier.topics, set.default_rule->topics)) {
      warn(kDefaultRuleName, earlier);
    }
  }
  return sentences;
}

}  // namespace dedup
