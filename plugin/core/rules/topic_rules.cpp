#include "plugin/core/rules/topic_rules.h"

#include <cstdint>
#include <optional>

namespace dedup {
namespace {

bool IsDefaultAlone(const RuleSet& set) {
  return set.rules.empty() && set.default_rule && set.default_rule->topics == std::vector<std::string>{"#"};
}

}  // namespace

TopicRules::TopicRules(const RuleSet& set, std::uint64_t seed)
    : set_(set), is_default_alone_(IsDefaultAlone(set)), topics_(seed) {
  const auto add = [this](const std::vector<std::string>& topics, std::size_t number) {
    for (const std::string& filter : topics) filters_.Add(filter, static_cast<std::uint16_t>(number));
  };
  for (std::size_t i = 0; i < set.rules.size(); ++i) add(set.rules[i].topics, i);
  if (set.default_rule) add(set.default_rule->topics, set.default_number());
  if (is_default_alone_) GroupOf({static_cast<std::uint16_t>(set.default_number())});
}

std::uint16_t TopicRules::Add(std::string_view topic) {
  filters_.Match(topic, &matched_);
  const std::uint16_t group = GroupOf(matched_);
  topics_.Add(topic, group);
  return group;
}

std::uint16_t TopicRules::GroupOf(const Numbers& rules) {
  const std::string name(reinterpret_cast<const char*>(rules.data()), rules.size() * sizeof rules[0]);
  const auto known = group_numbers_.find(name);
  if (known != group_numbers_.end()) return known->second;
  if (bytes_ > kCandidatesBytesMax || groups_.size() > UINT16_MAX) {
    topics_.Clear();
    group_numbers_.clear();
    groups_.clear();
    bytes_ = 0;
  }
  groups_.push_back(std::make_unique<const Candidates>(set_, rules));
  const auto number = static_cast<std::uint16_t>(groups_.size() - 1);
  bytes_ += groups_.back()->bytes() + name.size();
  group_numbers_.emplace(name, number);
  return number;
}

}  // namespace dedup
