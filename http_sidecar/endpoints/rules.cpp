#include <chrono>
#include <string>
#include <string_view>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/plugin_answer.h"
#include "plugin/core/event/rule_name.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

constexpr std::chrono::seconds kAgeMax{1};

}  // namespace

Answer ServeRules(Api& api, Request&) {
  return AnswerOfPlugin(api.publisher->Ask({"rules", {}}, kAgeMax), problems::kBrokerUnavailable);
}

Answer ServeRule(Api& api, Request& request) {
  const std::string_view name = std::string_view(request.path).substr(std::string_view("/rules/").size());
  if (!IsRuleName(name)) {
    return ProblemAnswer({problems::kNotFound, "the path takes a rule's name: " + std::string(kRuleNameTakes)});
  }
  return AnswerOfPlugin(api.publisher->Ask({"rule", "\"name\":" + Quoted(name)}, kAgeMax), problems::kNotFound);
}

}  // namespace dedup::sidecar
