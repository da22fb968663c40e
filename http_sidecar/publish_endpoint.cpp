#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "endpoints.h"
#include "event.h"
#include "json_text.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kSmallBodyBytes = 32 * 1024;  // less than the smallest journal

Answer ProblemAnswer(const Problem& problem) { return ErrorAnswer(problem.status, problem.detail); }

// An event that is larger than the whole journal can never be stored: the broker would cut our connection, and with it
// everybody else's requests, as often as it was sent.
std::optional<Problem> CheckFits(const Batch& batch, std::uint64_t journal_bytes) {
  constexpr std::size_t kRecordOverheadMax = 1024;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (event.payload.size() + event.topic.size() + kRecordOverheadMax > journal_bytes) {
      return Problem{413, EventProblem(i, "", "is larger than the plugin's journal").detail};
    }
  }
  return std::nullopt;
}

// An event that was let pass (the store failed and the plugin was told to carry on) went to the subscribers like one
// that was processed.
Answer PublishAnswer(const Batch& batch, const std::vector<Verdict>& verdicts, const Statistics& statistics) {
  std::vector<std::string_view> processed;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i] != Verdict::kDuplicate) processed.push_back(batch.events[i].event_id_text);
  }
  return {.status = 200,
          .body = ObjectText()
                      .AddText("status", "ok")
                      .AddRaw("processed", ArrayText(processed))
                      .Add("duplicates", verdicts.size() - processed.size())
                      .Add("total_received", verdicts.size())
                      .Add("accepted", verdicts.size())
                      .Add("received_total", Received(statistics))
                      .Take()};
}

}  // namespace

Answer ServePublish(Api& api, Request& request) {
  auto parsed = ParseBatch(std::move(request.body));
  if (const auto* problem = std::get_if<Problem>(&parsed)) return ProblemAnswer(*problem);
  const auto& batch = std::get<std::shared_ptr<const Batch>>(parsed);
  std::optional<JournalGate::Pass> pass;
  if (batch->body.size() > kSmallBodyBytes) {
    if (const auto problem = CheckFits(*batch, api.ReadStatistics().journal_size_bytes)) return ProblemAnswer(*problem);
    if (!api.journal_gate.Enter(batch->body.size(), kStoredPatience, &pass)) return StoreBehind();
  }
  std::vector<Verdict> verdicts;
  if (!batch->events.empty()) {
    auto published = api.publisher->Publish(batch);
    if (const auto* problem = std::get_if<Problem>(&published)) return ProblemAnswer(*problem);
    verdicts = std::get<std::vector<Verdict>>(std::move(published));
  }
  return PublishAnswer(*batch, verdicts, api.ReadStatistics());
}

}  // namespace dedup::sidecar
