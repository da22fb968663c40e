#include <chrono>
#include <string_view>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/plugin_answer.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

constexpr std::chrono::seconds kAgeMax{1};

}  // namespace

Answer ServeRules(Api& api, Request&) {
  return AnswerOfPlugin(api.publisher->Ask({"rules", {}}, kAgeMax), problems::kBrokerUnavailable);
}

Answer ServeRule(Api& api, Request& request) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  const std::string_view name = std::string_view(request.path).substr(std::string_view("/rules/").size());
  if (name.find_first_not_of(kLetters) != std::string_view::npos) {
    return ProblemAnswer({problems::kNotFound, "the name of a rule has letters, digits, `_` and `-` alone"});
  }
  return AnswerOfPlugin(api.publisher->Ask({"rule", "\"name\":" + Quoted(name)}, kAgeMax), problems::kNotFound);
}

}  // namespace dedup::sidecar
