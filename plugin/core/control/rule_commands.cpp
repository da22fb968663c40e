#include "plugin/core/control/rule_commands.h"

#include <vector>

#include "plugin/core/control/explain_request.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

namespace dedup {
namespace {

std::string ErrorText(std::string_view error) { return ObjectText().AddText("error", error).Take(); }

std::string TellRules(const Deduplicator& deduplicator) {
  std::vector<std::string> rules;
  for (const RuleReport& summary : deduplicator.RuleSummaries()) rules.push_back(SummaryJson(summary));
  return ObjectText().AddRaw("rules", ArrayText({rules.begin(), rules.end()})).Take();
}

std::string TellRule(std::string_view command, const Deduplicator& deduplicator) {
  std::string rule;
  json::Reader reader(command);
  reader.EnterObject();
  std::string_view name;
  for (json::Value value; reader.NextMember(&name, &value);) {
    if (json::Means(name, "name") && value.kind == json::Kind::kString) rule = json::Unescape(value.text);
  }
  if (rule.empty()) return ErrorText("\"name\" must be the name of a rule, a string");
  const std::optional<RuleReport> report = deduplicator.ReportOf(rule);
  return report ? ReportJson(*report) : ErrorText("there is no rule with the name '" + rule + "'");
}

std::string Reload(Deduplicator& deduplicator) {
  if (deduplicator.options().rules_file.empty()) {
    return ErrorText("there is no rules file; plugin_opt_rules_file in the broker's configuration names one");
  }
  const Reloaded reloaded = deduplicator.ReloadRules();
  if (reloaded.errors.empty()) {
    std::vector<std::string> warnings;
    for (const std::string& warning : reloaded.warnings) warnings.push_back(Quoted(warning));
    return ObjectText()
        .Add("rules", reloaded.rules)
        .AddRaw("warnings", ArrayText({warnings.begin(), warnings.end()}))
        .Take();
  }
  std::string error;
  for (const std::string& one : reloaded.errors) error += one + "; ";
  return ErrorText(error + "the rules stay as they were");
}

std::string ExplainMessage(std::string_view command, Deduplicator& deduplicator) {
  std::string problem;
  std::optional<ExplainRequest> request = ExplainRequest::Read(command, &problem);
  return request ? ExplainedJson(deduplicator.Explain(request->View())) : ErrorText(problem);
}

}  // namespace

std::optional<std::string> CarryOutForRules(std::string_view name, std::string_view command,
                                            Deduplicator& deduplicator) {
  if (name == "rules") return TellRules(deduplicator);
  if (name == "rule") return TellRule(command, deduplicator);
  if (name == kReloadCommand) return Reload(deduplicator);
  if (name == kExplainCommand) return ExplainMessage(command, deduplicator);
  return std::nullopt;
}

}  // namespace dedup
