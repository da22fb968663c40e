#include "command/advise/rules_text.h"

#include <nlohmann/json.hpp>

namespace dedup::command {

std::string RulesText(std::span<const RuleProposal> rules) {
  std::string text = "{\"rules\": [";
  bool is_first = true;
  for (const RuleProposal& rule : rules) {
    nlohmann::ordered_json json;
    json["name"] = rule.name;
    json["topics"] = rule.topics;
    if (!rule.ignore_levels.empty()) json["ignore_levels"] = rule.ignore_levels;
    json["key"] = rule.key;
    if (!rule.ignore.empty()) json["ignore"] = rule.ignore;
    json["window"] = rule.window;
    json["mode"] = rule.mode;
    text += std::exchange(is_first, false) ? "\n " : ",\n ";
    text += json.dump();
  }
  text += is_first ? "]}\n" : "\n]}\n";
  return text;
}

}  // namespace dedup::command
