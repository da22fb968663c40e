// What is counted of a rule, by name: the one list for $SYS topics, the command "rules", /metrics and GET /rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dedup {

/// Since the plugin's start, or since the rule came.
struct RuleCounters {
  std::uint64_t matched = 0;     ///< publishes that were shown to the rule
  std::uint64_t keyed = 0;       ///< of them: those that it made a key of
  std::uint64_t processed = 0;   ///< events that were new
  std::uint64_t duplicates = 0;  ///< events that were not handed on
  std::uint64_t compared = 0;    ///< of the duplicates: those whose payload was compared with the first one's
  std::uint64_t conflicts = 0;   ///< of the compared: those with another payload
};

struct NamedCounters {
  std::string name;  ///< of the rule
  RuleCounters counters;
};

struct RuleFigure {
  std::string_view name;    ///< of its topic, $SYS/broker/dedup/rules/RULE/NAME, and of its member in JSON
  std::string_view metric;  ///< in Prometheus' exposition, behind the sidecar's prefix
  std::string_view help;
  std::uint64_t (*value)(const RuleCounters&);
};

inline constexpr RuleFigure kRuleFigures[] = {
    {"matched", "rule_matched_total", "Publishes that were shown to the rule.",
     [](const RuleCounters& counters) { return counters.matched; }},
    {"keyed", "rule_keyed_total", "Publishes that the rule made a key of.",
     [](const RuleCounters& counters) { return counters.keyed; }},
    {"without_key", "rule_without_key_total", "Publishes that were shown to the rule and lack a part of its key.",
     [](const RuleCounters& counters) { return counters.matched - counters.keyed; }},
    {"processed", "rule_processed_total", "The rule's events that were new.",
     [](const RuleCounters& counters) { return counters.processed; }},
    {"duplicates", "rule_duplicates_total", "The rule's events that were recognised and not handed on.",
     [](const RuleCounters& counters) { return counters.duplicates; }},
    {"compared", "rule_compared_total", "Duplicates whose payload was compared with the first one's.",
     [](const RuleCounters& counters) { return counters.compared; }},
    {"conflicts", "rule_conflicts_total", "Compared duplicates that had another payload than the first one.",
     [](const RuleCounters& counters) { return counters.conflicts; }},
};

}  // namespace dedup
