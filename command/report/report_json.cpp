#include <cmath>
#include <nlohmann/json.hpp>

#include "command/advise/rules_text.h"
#include "command/capture/lines.h"
#include "command/report/report.h"
#include "command/report/sentences.h"

namespace dedup::command {
namespace {

using Json = nlohmann::ordered_json;

Json PairOf(const Capture& capture, const std::pair<std::uint32_t, std::uint32_t>& pair) {
  return {Json::parse(LineOf(capture.messages()[pair.first])), Json::parse(LineOf(capture.messages()[pair.second]))};
}

Json EvidenceOf(const GroupAdvice& finding, const Capture& capture) {
  Json evidence;
  evidence["messages"] = finding.message_count;
  evidence["looked_at"] = finding.looked_at_count;
  evidence["events"] = finding.event_count;
  evidence["repeated_events"] = finding.repeated_count;
  evidence["copies"] = finding.effect.dropped_count;
  evidence["copies_byte_for_byte"] = finding.equal_count;
  evidence["ignored"] = finding.ignored;
  evidence["identities"] = finding.identities;
  evidence["traps"] = finding.traps;
  evidence["gap_p50_s"] = finding.gap_median_s;
  evidence["gap_p99_s"] = finding.gap_p99_s;
  evidence["gap_max_s"] = finding.gap_max_s;
  evidence["interval_s"] = finding.interval_s;
  evidence["next_repeat_s"] = std::isfinite(finding.next_repeat_s) ? Json(finding.next_repeat_s) : Json();
  evidence["expected_wrong_drops"] = finding.risk;
  evidence["is_across"] = finding.is_across;
  for (const auto& sample : finding.samples) evidence["joined"].push_back(PairOf(capture, sample));
  if (finding.not_joined.first != finding.not_joined.second)
    evidence["not_joined"] = PairOf(capture, finding.not_joined);
  return evidence;
}

}  // namespace

std::string ReportJson(const Advice& advice, const Capture& capture) {
  Json report;
  report["watched"] = {{"messages", advice.message_count},
                       {"topics", advice.topic_count},
                       {"seconds", advice.seconds},
                       {"clients_known", advice.has_clients},
                       {"is_full", advice.is_full}};
  report["rules"] = Json::parse(RulesText(advice.rules))["rules"];
  for (Json& rule : report["rules"]) {
    const std::string name = rule["name"];
    for (const GroupAdvice& finding : advice.findings) {
      if (finding.has_rule() && finding.rule.name == name) rule["evidence"] = EvidenceOf(finding, capture);
    }
  }
  report["groups"] = Json::array();
  for (const GroupAdvice& finding : advice.findings) {
    if (finding.has_rule()) continue;
    report["groups"].push_back({{"topics", finding.filter},
                                {"messages", finding.message_count},
                                {"repeated_events", finding.repeated_count},
                                {"reason", WordOf(finding.reason.refusal)},
                                {"about", finding.reason.column},
                                {"text", SentenceOf(finding)}});
  }
  return report.dump(1) + "\n";
}

}  // namespace dedup::command
