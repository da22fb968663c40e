#include "http_sidecar/server/admission.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <tuple>
#include <utility>

#include "http_sidecar/auth/access.h"
#include "http_sidecar/http/origin.h"

namespace dedup::sidecar {
namespace {

// Whether a Range header (RFC 9110, 14.2) can be understood. What it asks for is not done: answers come whole.
bool IsRange(std::string_view value) {
  constexpr std::string_view kUnit = "bytes=";
  if (!value.starts_with(kUnit)) return false;
  value.remove_prefix(kUnit.size());
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view range = value.substr(0, comma);
    const std::string_view trimmed = range.substr(std::min(range.find_first_not_of(" \t"), range.size()));
    if (std::ranges::count(trimmed, '-') != 1 || trimmed.find_first_not_of("0123456789-") != std::string_view::npos) {
      return false;
    }
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

Answer TryAgainLater(Problem problem, std::chrono::seconds wait) {
  Answer answer = ProblemAnswer(problem);
  answer.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return answer;
}

}  // namespace

void Admission::Admit(const std::string& network, Exchange* exchange) {
  exchange->client = " " + network;  // a blank is in no name
  if (exchange->head.problem) {
    exchange->refusal = ProblemAnswer(*exchange->head.problem);
    return;
  }
  const std::optional<Caller> caller = tokens_->Find(exchange->head.Header("Authorization"));
  if (caller) exchange->caller = *caller;
  if (exchange->caller.token() != nullptr) exchange->client = exchange->caller.name();
  exchange->refusal = RefusalOf(caller, *exchange);
}

std::optional<Answer> Admission::RefusalOf(const std::optional<Caller>& caller, const Exchange& exchange) {
  const auto& [method, path] = std::tie(exchange.head.method, exchange.head.path);
  if (const std::string range = exchange.head.Header("Range"); !range.empty() && !IsRange(range)) {
    return ProblemAnswer({problems::kInvalidRange, "the Range header is malformed"});
  }
  if (auto excess = Excess(exchange)) return excess;
  const bool is_options = method == "OPTIONS";
  const Endpoint* const endpoint = exchange.endpoint;
  if (endpoint == nullptr && !(is_options && path == "*")) {
    return ProblemAnswer({problems::kNotFound, "Not Found"});
  }
  if (!is_options) {
    if (!endpoint->Takes(method)) {
      const std::string allow(endpoint->allow());
      Answer answer = ProblemAnswer({problems::kMethodNotAllowed, "Method Not Allowed: " + path + " takes " + allow});
      answer.headers.emplace_back("Allow", allow);
      return answer;
    }
    if (const auto problem = Refusal(endpoint->access, caller)) return ProblemAnswer(*problem);
    if (const auto problem = Foreign(exchange)) return ProblemAnswer(*problem);
  }
  if (const auto problem = exchange.framing.Check()) return ProblemAnswer(*problem);
  if (method == "POST") {
    if (const auto problem = exchange.framing.CheckForPost()) {
      Answer answer = ProblemAnswer(*problem);
      // RFC 9110, 15.5.16.
      if (problem->type.status == 415) answer.headers.emplace_back("Accept-Encoding", "gzip");
      return answer;
    }
  }
  return std::nullopt;
}

std::optional<Answer> Admission::Excess(const Exchange& exchange) {
  const auto wait = request_rate_.Excess(exchange.client, RequestRate::Clock::now());
  if (!wait) return std::nullopt;
  const std::string name = exchange.caller.name();
  return TryAgainLater(
      {problems::kTooManyRequests, (name.empty() ? "this address" : "the token \"" + name + "\"") + " may ask " +
                                       std::to_string(limits_.requests_per_s) + " times a second"},
      std::chrono::ceil<std::chrono::seconds>(*wait));
}

// What a page that the user's browser shows may not ask in the user's name.
std::optional<Problem> Admission::Foreign(const Exchange& exchange) const {
  const RequestHead& head = exchange.head;
  if (local_names_ && !head.host.empty() && !IsLocalHost(head.host, *local_names_)) {
    return Problem{problems::kForeignPage,
                   "without tokens Host takes localhost, an address or a name without a dot, so that no page of a name "
                   "that leads here can read; --allow-host names others"};
  }
  // Without a token, what a browser sends at the wish of any page would count as its user's.
  if (head.method == "POST" && exchange.caller.token() == nullptr &&
      IsForeign(limits_.cors_origin, [&head](const char* name) { return head.Header(name); })) {
    return Problem{problems::kForeignPage, "a page may publish only to the server that it came from"};
  }
  return std::nullopt;
}

}  // namespace dedup::sidecar
