#include "answer.h"

namespace dedup::sidecar {

void AddProblem(const Problem& problem, ObjectText* text) {
  text->AddText("type", "urn:mosquitto-dedup:problem:" + std::string(problem.type.name))
      .AddText("title", problem.type.title)
      .Add("status", static_cast<std::uint64_t>(problem.type.status))
      .AddText("detail", problem.detail);
}

Answer ProblemAnswer(const Problem& problem, ObjectText more) {
  AddProblem(problem, &more);
  Answer answer{.status = problem.type.status, .body = more.Take(), .content_type = "application/problem+json"};
  if (!problem.type.challenge.empty()) answer.headers.emplace_back("WWW-Authenticate", problem.type.challenge);
  return answer;
}

}  // namespace dedup::sidecar
