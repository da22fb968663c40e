#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/events/event_format.h"
#include "http_sidecar/events/event_listing.h"
#include "http_sidecar/events/event_query.h"
#include "http_sidecar/http/etag.h"

namespace dedup::sidecar {
namespace {

// A page ends where it gets bigger: it is put together before its head, which says where the next one begins, is sent.
constexpr std::size_t kPageBytesMax = std::size_t{16} << 20;
// And where events were looked for so long: of a filter that few meet, all that is stored may have to be looked at.
constexpr std::chrono::seconds kPageLookMax{1};

// Rows never change, and come and go only at the two ends: the oldest row and the newest in reach tell all.
std::string EventsTag(Api& api, const EventRange& range, const EventFormat& format) {
  std::string tag = std::to_string(range.last_seq) + format.letter;
  api.store.Read([&](EventReader& reader) {
    return reader.ReadEvents({}, {}, [&](const StoredEvent& oldest) {
      tag += std::to_string(oldest.seq) + "t" + std::to_string(oldest.received_us);
      return false;
    });
  });
  return tag;
}

Answer PageAnswer(EventListing listing, const Request& request, const EventQuery& query, Answer answer) {
  const auto until = EventListing::Clock::now() + kPageLookMax;
  while (listing.AppendNext(&answer.body, until) && answer.body.size() < kPageBytesMax) {
  }
  listing.End(&answer.body);
  // One that ended by time may be longer another time.
  if (EventListing::Clock::now() >= until) {
    std::erase_if(answer.headers, [](const auto& header) { return header.first == "ETag"; });
  }
  if (listing.rest()) {
    answer.headers.emplace_back("Link", "<" + NextTarget(request.target, query, *listing.rest()) + ">; rel=\"next\"");
  }
  return answer;
}

}  // namespace

Answer ServeEvents(Api& api, Request& request) {
  auto parsed = ParseEventQuery(request.target, NowUs());
  if (const auto* const problem = std::get_if<Problem>(&parsed)) return ProblemAnswer(*problem);
  auto& query = std::get<EventQuery>(parsed);
  if (auto refusal = Narrow(request.caller, &query.filter)) return ProblemAnswer(*refusal);
  const EventFormat& format = ChooseFormat(request.header("Accept"));
  const auto statistics = api.store.AwaitStored();
  if (!statistics) return ProblemAnswer(StoreIsBehind());
  query.range.last_seq = std::min(query.range.last_seq, statistics->accepted_seq);

  Answer answer{.status = 200, .body = {}, .content_type = std::string(format.content_type)};
  answer.headers.emplace_back("Vary", api.tokens->are_asked_for() ? "Accept, Authorization" : "Accept");
  // The tag tells of all events.
  const bool has_tag = !query.is_relative && request.caller.may_read_everything();
  if (has_tag && SetTag(EventsTag(api, query.range, format), request, &answer)) return answer;

  EventListing listing(&api.store, request.memory, format, query.filter, query.range, query.limit.value_or(SIZE_MAX));
  if (query.limit) return PageAnswer(std::move(listing), request, query, std::move(answer));
  if (!listing.AppendNext(&answer.body)) {
    listing.End(&answer.body);
    return answer;
  }
  answer.append_next = [rest = std::make_shared<EventListing>(std::move(listing))](std::string* out) {
    const bool more = rest->AppendNext(out);
    if (!more) rest->End(out);
    return more;
  };
  return answer;
}

}  // namespace dedup::sidecar
