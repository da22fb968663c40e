#include "command/advise/rule_check.h"

#include <stdexcept>
#include <string>
#include <unordered_map>

#include "command/advise/rules_text.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rules_file.h"

namespace dedup::command {
namespace {

struct HashOfKey {
  std::size_t operator()(const KeyHash& key) const { return key.low; }
};

RuleSet ReadByThePlugin(std::span<const RuleProposal> rules) {
  RulesFile file = ParseRules(RulesText(rules), DefaultRule{});
  if (!file.rules) throw std::logic_error("a proposed rule that the plugin would not take: " + file.errors.front());
  file.rules->default_rule.reset();
  for (Rule& rule : file.rules->rules) rule.mode = RuleMode::kDrop;
  return *std::move(file.rules);
}

}  // namespace

std::vector<RuleEffect> EffectsOf(std::span<const RuleProposal> rules, std::span<const std::uint32_t> group_of_rule,
                                  std::span<const Message> messages, std::span<const std::uint32_t> group_of_message,
                                  std::size_t row_max) {
  std::vector<RuleEffect> effects(rules.size());
  if (rules.empty()) return effects;
  KeyFinder finder(ReadByThePlugin(rules), HashSecret{});
  std::unordered_map<KeyHash, double, HashOfKey> accepted_s;
  std::vector<UserProperty> properties;
  std::vector<std::size_t> own_count(rules.size(), 0);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    properties.clear();
    for (const auto& [name, value] : message.properties) properties.push_back({name, value});
    const Finding found = finder.Find({message.topic, message.payload, message.client, {}, properties});
    if (found.status != FindStatus::kKey) continue;
    const std::size_t rule = found.key.rule;
    RuleEffect& effect = effects[rule];
    const auto [place, is_new] = accepted_s.try_emplace(found.key.hash, message.time_s);
    const bool is_copy = !is_new && message.time_s - place->second <= rules[rule].window_s;
    if (!is_copy) place->second = message.time_s;
    if (group_of_message[i] != group_of_rule[rule]) {
      ++effect.stranger_count;
    } else if (++own_count[rule] <= row_max) {
      ++effect.keyed_count;
      effect.dropped_count += is_copy;
    }
  }
  return effects;
}

}  // namespace dedup::command
