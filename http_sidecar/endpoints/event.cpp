#include <cstdint>
#include <string>
#include <string_view>

#include "http_sidecar/base/number.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/events/event_json.h"
#include "http_sidecar/http/etag.h"

namespace dedup::sidecar {

Answer ServeEvent(Api& api, Request& request) {
  const std::string_view text = std::string_view(request.path).substr(std::string_view("/events/").size());
  const auto parsed = ParseNumber<std::uint64_t>(text);
  if (!parsed) {
    return ProblemAnswer(
        {problems::kInvalidParameter, "the path takes an event's seq, a whole number, as in /events/17"});
  }
  const std::uint64_t seq = *parsed;
  if (!api.store.AwaitStored()) return ProblemAnswer(StoreIsBehind());
  EventFilter filter;
  request.caller.Narrow(&filter);
  Answer answer{.status = 200, .body = {}};
  std::string tag;
  api.store.Read([&](EventReader& reader) {
    return reader.ReadEvents(filter, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent& event) {
      AppendEventJson(event, &answer.body);
      tag = std::to_string(seq) + "t" + std::to_string(event.received_us);
      return true;
    });
  });
  if (answer.body.empty()) {
    return ProblemAnswer({problems::kNotFound, "there is no event " + std::to_string(seq)});
  }
  if (SetTag(tag, request, &answer)) answer.body.clear();
  return answer;
}

}  // namespace dedup::sidecar
