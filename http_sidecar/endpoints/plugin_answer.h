// The plugin's answer to a command as that of an endpoint.
#pragma once

#include <utility>
#include <variant>

#include "http_sidecar/http/answer.h"
#include "plugin/core/contract/control.h"

namespace dedup::sidecar {

/// Where the plugin could not carry the command out, a problem of that type.
inline Answer AnswerOfPlugin(std::variant<CommandAnswer, Problem> asked, const ProblemType& type) {
  if (const auto* const problem = std::get_if<Problem>(&asked)) return ProblemAnswer(*problem);
  auto& answer = std::get<CommandAnswer>(asked);
  if (!answer.error.empty()) return ProblemAnswer({type, "the broker's plugin: " + answer.error});
  return {.status = 200, .body = std::move(answer.text)};
}

}  // namespace dedup::sidecar
