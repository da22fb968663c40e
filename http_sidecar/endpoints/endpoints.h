// Every endpoint's function, each in a file of its own, and the table that leads to them.
#pragma once

#include <string_view>

#include "http_sidecar/auth/access.h"
#include "http_sidecar/endpoints/api.h"
#include "http_sidecar/http/answer.h"

namespace dedup::sidecar {

// Threading: from any thread. Errors: StorageError, which AnswerOf() makes a 503.
Answer ServeService(Api& api, Request& request);
Answer ServePageFile(Api& api, Request& request);
Answer ServePublish(Api& api, Request& request);
Answer ServeEvents(Api& api, Request& request);
Answer ServeEvent(Api& api, Request& request);
Answer ServeStream(Api& api, Request& request);
Answer ServeStats(Api& api, Request& request);
Answer ServeHistory(Api& api, Request& request);
Answer ServeTop(Api& api, Request& request);
Answer ServeDuplicates(Api& api, Request& request);
Answer ServeRules(Api& api, Request& request);
Answer ServeRule(Api& api, Request& request);
Answer ServeExplain(Api& api, Request& request);
Answer ServeMetrics(Api& api, Request& request);
Answer ServeHealth(Api& api, Request& request);
Answer ServeReady(Api& api, Request& request);
Answer ServeOpenApi(Api& api, Request& request);

/// For what clients of the first aggregators and Prometheus read, perhaps with parameters of their own.
inline constexpr std::string_view kAnyParameters = "*";

struct Endpoint {
  std::string_view path;  ///< a last level in braces stands for any one level
  bool is_post;
  Access access;
  Answer (*serve)(Api& api, Request& request);
  /// The names in its query, with blanks between; another one is refused. What is open to all takes any, for it looks at
  /// none.
  std::string_view parameters = {};
  /// It waits for nobody, has a small answer, and must be answered however many others wait.
  bool is_prompt = false;

  std::string_view allow() const { return is_post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"; }
  bool Takes(std::string_view method) const { return is_post ? method == "POST" : method == "GET" || method == "HEAD"; }
};

inline constexpr Endpoint kEndpoints[] = {
    {"/", false, Access::kOpen, ServeService},
    {"/publish", true, Access::kPublish, ServePublish, "qos retain results topic"},
    {"/events", false, Access::kRead, ServeEvents,
     "topic source event_id rule key since until after_seq before_seq limit order"},
    {"/events/stream", false, Access::kRead, ServeStream, "topic source event_id rule key since after_seq"},
    {"/events/{seq}", false, Access::kRead, ServeEvent},
    {"/stats", false, Access::kRead, ServeStats, kAnyParameters},
    {"/history", false, Access::kReadEverything, ServeHistory, "range"},
    {"/top", false, Access::kReadEverything, ServeTop},
    {"/duplicates", false, Access::kRead, ServeDuplicates, "seqs"},
    {"/rules", false, Access::kReadEverything, ServeRules},
    {"/rules/{name}", false, Access::kReadEverything, ServeRule},
    {"/explain", true, Access::kReadEverything, ServeExplain},
    {"/metrics", false, Access::kReadEverything, ServeMetrics, kAnyParameters},
    {"/healthz", false, Access::kOpen, ServeHealth, /*parameters=*/{}, /*is_prompt=*/true},
    {"/health", false, Access::kOpen, ServeHealth, /*parameters=*/{}, /*is_prompt=*/true},
    {"/readyz", false, Access::kOpen, ServeReady, /*parameters=*/{}, /*is_prompt=*/true},
    {"/openapi.json", false, Access::kOpen, ServeOpenApi},
    {"/page/{file}", false, Access::kOpen, ServePageFile},
};

/// Null when there is none. `path` is decoded.
const Endpoint* FindEndpoint(std::string_view path);

/// The endpoint's answer, or a 503 where the store is away.
Answer AnswerOf(const Endpoint& endpoint, Api& api, Request& request);

}  // namespace dedup::sidecar
