#include "command/report/explanation_text.h"

#include <algorithm>

#include "command/report/rule_line.h"

namespace dedup::command {
namespace {

std::string LineOf(const RuleSet& rules, const std::string& name) {
  const auto number = rules.Find(name);
  if (!number) return name;
  return *number == rules.default_number() ? RuleLine(*rules.default_rule) : RuleLine(rules.rules[*number]);
}

void AddAsked(const Explanation::Asked& asked, const RuleSet& rules, std::string* text) {
  *text += LineOf(rules, asked.rule) + "\n";
  std::size_t width = 0;
  for (const Explanation::Part& part : asked.parts) width = std::max(width, part.part.size());
  for (const Explanation::Part& part : asked.parts) {
    *text += "   " + part.part + std::string(width - part.part.size(), ' ') + "  " + part.found;
    if (!part.text.empty()) *text += " " + part.text;
    if (!part.source.empty() && part.source != part.part) *text += ", from " + part.source;
    *text += "\n";
  }
  if (!asked.makes_key) {
    *text += "   no key: " + asked.why_not + "\n";
    return;
  }
  *text += "   topic as far as it counts: " + asked.scope + "\n   key: " + asked.key_text + "\n";
}

}  // namespace

std::string ExplanationText(const Explanation& explanation, const RuleSet& rules) {
  std::string text;
  for (const Explanation::Asked& asked : explanation.asked) AddAsked(asked, rules, &text);
  if (!explanation.payload_note.empty()) text += "Note: " + explanation.payload_note + "\n";
  const Finding& finding = explanation.finding;
  if (explanation.asked.empty()) text += "No rule has this topic.\n";
  if (finding.status == FindStatus::kKey) {
    text += "Decides: " + std::string(rules.NameOf(finding.key.rule)) + "\n";
  } else {
    text += "Decides: none; the message passes untouched\n";
  }
  if (finding.observed) text += "Observes: " + std::string(rules.NameOf(finding.observed->rule)) + "\n";
  return text;
}

}  // namespace dedup::command
