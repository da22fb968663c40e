#include "command/report/explanation_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command/report/plugin_answer.h"
#include "command/report/rule_line.h"
#include "command/report/words.h"

namespace dedup::command {
namespace {

// Whole, but nothing that a terminal would obey: parts of the message stand in it.
std::string Whole(const std::string& text) { return Shown(text, text.size()); }

std::string LineOf(const RuleSet& rules, const std::string& name) {
  const auto number = rules.Find(name);
  if (!number) return name;
  return *number == rules.default_number() ? RuleLine(*rules.default_rule) : RuleLine(rules.rules[*number]);
}

void AddAsked(const Explanation::Asked& asked, const std::string& rule, std::string* text) {
  *text += Whole(rule) + "\n";
  std::size_t width = 0;
  for (const Explanation::Part& part : asked.parts) width = std::max(width, part.part.size());
  for (const Explanation::Part& part : asked.parts) {
    *text += "   " + Whole(part.part) + std::string(width - part.part.size(), ' ') + "  " + Whole(part.found);
    if (!part.text.empty()) *text += " " + Whole(part.text);
    if (!part.source.empty() && part.source != part.part) *text += ", from " + Whole(part.source);
    *text += "\n";
  }
  if (!asked.makes_key) {
    *text += "   no key: " + Whole(asked.why_not) + "\n";
    return;
  }
  *text += "   topic as far as it counts: " + Whole(asked.scope) + "\n   key: " + Whole(asked.key_text) + "\n";
}

constexpr char kNoRules[] = "No rule has this topic.\n";
constexpr char kNoneDecides[] = "Decides: none; the message passes untouched\n";

// A member that is null where there is nothing.
std::string TextOf(const nlohmann::json& object, const char* name) {
  const nlohmann::json& value = object.at(name);
  return value.is_null() ? std::string() : value.get<std::string>();
}

Explanation::Asked AskedOf(const nlohmann::json& asked) {
  Explanation::Asked result;
  result.rule = TextOf(asked, "rule");
  result.observes = asked.at("observes").get<bool>();
  result.makes_key = asked.at("makes_key").get<bool>();
  result.scope = TextOf(asked, "scope");
  result.key_text = TextOf(asked, "key");
  result.why_not = TextOf(asked, "why_not");
  for (const nlohmann::json& part : asked.at("parts")) {
    result.parts.push_back({.part = TextOf(part, "part"),
                            .source = TextOf(part, "source"),
                            .found = TextOf(part, "found"),
                            .text = TextOf(part, "text")});
  }
  return result;
}

std::string VerdictOf(const nlohmann::json& explained) {
  const std::string verdict = TextOf(explained, "verdict");
  std::string text = "Verdict now: " + verdict;
  if (verdict == "duplicate") {
    return text + " of event " + std::to_string(explained.at("seq").get<std::uint64_t>()) +
           "; it would not be handed on\n";
  }
  if (verdict == "processed") return text + ", as a new event\n";
  if (verdict == "passed") return text + ", untouched\n";
  if (verdict == "refused") return text + "; events cannot be stored now\n";
  return text + "\n";
}

}  // namespace

std::string ExplanationText(const Explanation& explanation, const RuleSet& rules) {
  std::string text;
  for (const Explanation::Asked& asked : explanation.asked) AddAsked(asked, LineOf(rules, asked.rule), &text);
  if (!explanation.payload_note.empty()) text += "Note: " + explanation.payload_note + "\n";
  const Finding& finding = explanation.finding;
  if (explanation.asked.empty()) text += kNoRules;
  if (finding.status == FindStatus::kKey) {
    text += "Decides: " + std::string(rules.NameOf(finding.key.rule)) + "\n";
  } else {
    text += kNoneDecides;
  }
  if (finding.observed) text += "Observes: " + std::string(rules.NameOf(finding.observed->rule)) + "\n";
  return text;
}

std::string ExplainedText(const std::string& answer) {
  return FromAnswers({&answer, 1}, [](const std::vector<nlohmann::json>& parsed) {
    const nlohmann::json& explained = parsed.front();
    std::string text;
    for (const nlohmann::json& one : explained.at("asked")) {
      const Explanation::Asked asked = AskedOf(one);
      AddAsked(asked, asked.rule + (asked.observes ? ": observes" : ""), &text);
    }
    if (explained.at("asked").empty()) text += kNoRules;
    if (const std::string note = TextOf(explained, "payload_note"); !note.empty())
      text += "Note: " + Whole(note) + "\n";
    const std::string rule = TextOf(explained, "rule");
    text += rule.empty() ? kNoneDecides : "Decides: " + Whole(rule) + "\n";
    if (const nlohmann::json& observed = explained.at("observed"); !observed.is_null()) {
      text += "Observes: " + Whole(TextOf(observed, "rule")) +
              (observed.at("is_copy").get<bool>() ? ", for which it is a copy\n" : ", for which it is new\n");
    }
    return text + VerdictOf(explained);
  });
}

}  // namespace dedup::command
