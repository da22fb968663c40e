#include "http_sidecar/endpoints/endpoints.h"

#include "http_sidecar/http/query.h"

namespace dedup::sidecar {
namespace {

bool Leads(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('}')) return path == pattern;
  const std::string_view prefix = pattern.substr(0, pattern.find('{'));
  return path.starts_with(prefix) && path.size() > prefix.size() &&
         path.find('/', prefix.size()) == std::string_view::npos;
}

}  // namespace

const Endpoint* FindEndpoint(std::string_view path) {
  for (const Endpoint& endpoint : kEndpoints) {
    if (Leads(endpoint.path, path)) return &endpoint;
  }
  return nullptr;
}

Answer AnswerOf(const Endpoint& endpoint, Api& api, Request& request) {
  if (endpoint.access != Access::kOpen && endpoint.parameters != kAnyParameters) {
    if (const auto problem = CheckNames(request.target, endpoint.parameters)) return ProblemAnswer(*problem);
  }
  try {
    return endpoint.serve(api, request);
  } catch (const StorageError& error) {
    return ProblemAnswer(StoreTrouble(error));
  } catch (const BudgetSpent&) {
    return ProblemAnswer(NoMemory());
  }
}

}  // namespace dedup::sidecar
