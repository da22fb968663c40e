#include <cstdint>
#include <string>
#include <string_view>

#include "http_sidecar/base/number.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/events/event_json.h"
#include "http_sidecar/http/accept.h"
#include "http_sidecar/http/etag.h"

namespace dedup::sidecar {
namespace {

constexpr char kBytes[] = "application/octet-stream";

// Otherwise JSON is liked as much, or nothing that there is.
bool WantsBytes(std::string_view accept) {
  bool wants_bytes = false;
  double best_quality = 0;
  ForEachAccepted(accept, [&](std::string_view type, double quality) {
    const bool is_json = type == "application/json" || type == "application/*" || type == "*/*";
    if ((type != kBytes && !is_json) || quality <= best_quality) return;
    wants_bytes = !is_json;
    best_quality = quality;
  });
  return wants_bytes;
}

constexpr std::size_t kCopies = 5;  // the store's own, and a text that has grown

}  // namespace

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
  const bool wants_bytes = WantsBytes(request.header("Accept"));
  Answer answer{.status = 200, .body = {}};
  if (wants_bytes) answer.content_type = kBytes;
  answer.headers.emplace_back("Vary", api.tokens->are_asked_for() ? "Accept, Authorization" : "Accept");
  std::string tag;
  api.store.Read([&](EventReader& reader) {
    return reader.ReadEvents(filter, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent& event) {
      request.memory->Cover(kCopies * event.payload.size());
      if (wants_bytes) {
        answer.body = event.payload;
      } else {
        AppendEventJson(event, &answer.body);
      }
      tag = std::to_string(seq) + (wants_bytes ? "o" : "j") + "t" + std::to_string(event.received_us);
      return true;
    });
  });
  if (tag.empty()) {
    return ProblemAnswer({problems::kNotFound, "there is no event " + std::to_string(seq)});
  }
  if (SetTag(tag, request, &answer)) answer.body.clear();
  return answer;
}

}  // namespace dedup::sidecar
