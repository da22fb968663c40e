#include "http_sidecar/http/answer.h"

#include <algorithm>

#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

// A detail may repeat what the client sent, such as a decoded path, and that need not be UTF-8, as JSON must.
std::string AsUtf8(std::string text) {
  const std::string quoted = Quoted(text);
  json::Value value;
  if (!json::Reader(quoted).ReadDocument(&value)) {
    std::ranges::replace_if(
        text, [](unsigned char c) { return c >= 0x80; }, '?');
  }
  return text;
}

}  // namespace

void AddProblem(const Problem& problem, ObjectText* text) {
  text->AddText("type", "urn:mosquitto-dedup:problem:" + std::string(problem.type.name))
      .AddText("title", problem.type.title)
      .Add("status", static_cast<std::uint64_t>(problem.type.status))
      .AddText("detail", AsUtf8(problem.detail));
}

Answer ProblemAnswer(const Problem& problem, ObjectText more) {
  AddProblem(problem, &more);
  Answer answer{.status = problem.type.status, .body = more.Take(), .content_type = "application/problem+json"};
  if (!problem.type.challenge.empty()) answer.headers.emplace_back("WWW-Authenticate", problem.type.challenge);
  if (problem.type.name == problems::kBusy.name) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

Problem NoMemory() {
  return {problems::kBusy, "too many bytes are at work (--memory-limit); try again later, or send less at once"};
}

}  // namespace dedup::sidecar
