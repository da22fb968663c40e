#include <string>
#include <utility>
#include <variant>

#include "http_sidecar/endpoints/endpoints.h"

namespace dedup::sidecar {

// From the plugin's memory: the store knows nothing of duplicates.
Answer ServeTop(Api& api, Request&) {
  auto top = api.publisher->Top();
  if (const auto* const problem = std::get_if<Problem>(&top)) return ProblemAnswer(*problem);
  return {.status = 200, .body = std::get<std::string>(std::move(top))};
}

}  // namespace dedup::sidecar
