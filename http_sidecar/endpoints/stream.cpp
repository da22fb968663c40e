#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "http_sidecar/base/number.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/events/event_query.h"

namespace dedup::sidecar {

Answer ServeStream(Api& api, Request& request) {
  auto parsed = ParseEventQuery(request.target, NowUs());
  if (const auto* const problem = std::get_if<Problem>(&parsed)) return ProblemAnswer(*problem);
  auto& query = std::get<EventQuery>(parsed);
  if (auto refusal = Narrow(request.caller, &query.filter)) return ProblemAnswer(*refusal);
  // Where a client that was cut off wants to go on.
  const std::string last_text = request.header("Last-Event-ID");
  const auto last = ParseNumber<std::uint64_t>(last_text);
  if (!last && !last_text.empty()) {
    return ProblemAnswer({problems::kInvalidParameter, "Last-Event-ID takes a seq, a whole number from 0 on"});
  }
  auto place = api.watchers.Enter(request.client);
  if (place == nullptr) {
    return ProblemAnswer(
        {problems::kTooManyWatchers, "too many clients watch already, or too many of this one's own; try again later"});
  }
  const auto statistics = api.store.AwaitStored();
  if (!statistics) return ProblemAnswer(StoreIsBehind());

  Watch watch{.filter = query.filter,
              .first_seq = statistics->accepted_seq + 1,
              .caller = request.caller,
              .client = request.client,
              .place = std::move(place)};
  // The header last: a client that reconnects asks for the same target as at first.
  if (query.filter.has_times() || query.range.first_seq != EventRange{}.first_seq) {
    watch.first_seq = query.range.first_seq;
  }
  if (last) {
    // A seq that was never given is of another store, so all of this one is new.
    watch.first_seq = *last <= statistics->accepted_seq ? *last + 1 : 1;
  }
  return {.status = 200,
          .body = {},
          .content_type = "text/event-stream",
          .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}},
          .take_over = [&api, watch = std::move(watch)](std::unique_ptr<Connection> connection) {
            api.watchers.Add(std::move(connection), watch);
          }};
}

}  // namespace dedup::sidecar
