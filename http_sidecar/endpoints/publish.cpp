#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/query.h"
#include "http_sidecar/publish/cloud_events.h"
#include "http_sidecar/publish/line_stream.h"
#include "http_sidecar/publish/parse_batch.h"
#include "http_sidecar/publish/publish_options.h"
#include "http_sidecar/publish/result.h"
#include "plugin/core/text/json_writer.h"
#include "plugin/core/text/utf8.h"

namespace dedup::sidecar {
namespace {

// An event that was let pass (no rule took it, or the store failed and the plugin was told to carry on) went to the
// subscribers like one that was processed.
ObjectText BriefAnswer(const Batch& batch, const std::vector<Result>& results, const Statistics& statistics) {
  std::vector<std::string_view> processed;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].outcome.verdict != Verdict::kDuplicate) processed.push_back(batch.events[i].event_id_text);
  }
  ObjectText text;
  text.AddText("status", "ok")
      .AddRaw("processed", ArrayText(processed))
      .Add("duplicates", results.size() - processed.size())
      .Add("total_received", results.size())
      .Add("accepted", results.size())
      .Add("received_total", statistics.received());
  return text;
}

void AddResults(const Batch& batch, const std::vector<Result>& results, ObjectText* text) {
  std::vector<std::string> texts;
  std::size_t conflicts = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    texts.push_back(ResultText(batch.events[i], results[i]));
    conflicts += results[i].is_conflict ? 1 : 0;
  }
  text->Add("conflicts", conflicts).AddRaw("results", ArrayText({texts.begin(), texts.end()}));
}

Answer Publish(Api& api, Request& request) {
  const auto parsed_options = ParsePublishOptions(request.target);
  if (const auto* const problem = std::get_if<Problem>(&parsed_options)) return ProblemAnswer(*problem);
  const auto& options = std::get<PublishOptions>(parsed_options);
  if (request.read_body) {
    LineStream stream(&api.intake, api.tokens, request.caller, std::move(request.read_body), options);
    return {.status = 200,
            .body = {},
            .content_type = "application/x-ndjson",
            .append_next = [stream = std::make_shared<LineStream>(std::move(stream))](std::string* out) {
              return stream->AppendNext(out);
            }};
  }

  const bool is_cloud_event = IsCloudEvent(request);
  if (is_cloud_event) {
    const std::string topic = QueryValue(request.target, "topic");
    if (!IsUtf8(topic)) return ProblemAnswer({problems::kInvalidParameter, "topic takes an MQTT topic in UTF-8"});
    auto converted = FromCloudEvents(request, topic);
    if (const auto* const problem = std::get_if<Problem>(&converted)) return ProblemAnswer(*problem);
    request.body = std::get<std::string>(std::move(converted));
  }
  auto parsed = ParseBatch(std::move(request.body));
  if (const auto* const problem = std::get_if<Problem>(&parsed)) return ProblemAnswer(*problem);
  const auto& batch = std::get<std::shared_ptr<Batch>>(parsed);
  if (is_cloud_event) IdentifyBySource(batch.get());
  const auto published = api.intake.Publish(request.caller, batch, options);
  if (const auto* const problem = std::get_if<Problem>(&published)) return ProblemAnswer(*problem);
  const auto& results = std::get<std::vector<Result>>(published);
  ObjectText text = BriefAnswer(*batch, results, api.store.ReadStatistics());
  if (options.full_results) AddResults(*batch, results, &text);
  return {.status = 200, .body = text.Take()};
}

}  // namespace

Answer ServePublish(Api& api, Request& request) {
  const std::string key = request.header("Idempotency-Key");
  if (key.empty()) return Publish(api, request);
  constexpr std::size_t kKeyBytesMax = 255;
  if (key.size() > kKeyBytesMax) {
    return ProblemAnswer({problems::kInvalidParameter, "Idempotency-Key takes at most 255 bytes"});
  }
  if (request.read_body) {
    return ProblemAnswer(
        {problems::kInvalidParameter, "Idempotency-Key is not for a stream; the events' own ids do the same"});
  }
  if (std::ranges::count(request.headers_after("idempotency-key"), "", &std::pair<std::string, std::string>::first) >
      1) {
    return ProblemAnswer({problems::kInvalidParameter, "Idempotency-Key stands there more than once; expected once"});
  }
  // A blank is in no name.
  return api.idempotency.Serve(request.caller.name() + " " + key, request, [&] { return Publish(api, request); });
}

}  // namespace dedup::sidecar
