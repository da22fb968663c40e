#include "http_sidecar/publish/intake.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "http_sidecar/publish/firsts.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kSmallBodyBytes = 32 * 1024;  // less than the smallest journal

// An event that is larger than the whole journal can never be stored: the broker would cut our connection, and with it
// everybody else's requests, as often as it was sent.
std::optional<Problem> CheckFits(const Batch& batch, std::uint64_t record_bytes_max) {
  constexpr std::size_t kRecordOverheadMax = 1024;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (event.payload.size() + event.topic.size() + kRecordOverheadMax > record_bytes_max) {
      return Problem{problems::kTooLarge, EventProblem(i, "", "is larger than the plugin's journal").detail};
    }
  }
  return std::nullopt;
}

std::optional<Problem> CheckScope(const Batch& batch, const Caller& caller) {
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const std::string& topic = batch.events[i].topic;
    if (!caller.MayPublish(topic)) {
      return Problem{problems::kScopeMissing, EventProblem(i, "topic", caller.LackOf("publish", topic)).detail};
    }
  }
  return std::nullopt;
}

}  // namespace

Intake::Intake(Publisher* publisher, EventStore* store)
    : publisher_(publisher), store_(store), gate_([store] { return store->ReadStatistics(); }) {}

std::variant<std::vector<Result>, Problem> Intake::Publish(const Caller& caller, std::shared_ptr<Batch> batch,
                                                           const PublishOptions& options) {
  if (auto problem = CheckScope(*batch, caller)) return *std::move(problem);
  batch->qos = options.qos;
  batch->retain = options.retain;
  auto published = PublishOnceThereIsRoom(batch);
  if (auto* const problem = std::get_if<Problem>(&published)) return std::move(*problem);
  const auto& outcomes = std::get<std::vector<Outcome>>(published);
  if (!options.full_results) {
    std::vector<Result> results;
    results.reserve(outcomes.size());
    for (const Outcome& outcome : outcomes) results.push_back({.outcome = outcome});
    return results;
  }
  auto looked_up = LookUpFirsts(store_, caller, *batch, outcomes);
  if (const auto* const results = std::get_if<std::vector<Result>>(&looked_up)) {
    conflicts_ += static_cast<std::uint64_t>(std::ranges::count(*results, true, &Result::is_conflict));
  }
  return looked_up;
}

std::variant<std::vector<Outcome>, Problem> Intake::PublishOnceThereIsRoom(std::shared_ptr<const Batch> batch) {
  if (batch->events.empty()) return std::vector<Outcome>();
  std::optional<JournalGate::Pass> pass;
  if (batch->body.size() > kSmallBodyBytes) {
    if (auto problem = CheckFits(*batch, store_->ReadStatistics().record_bytes_max)) return *std::move(problem);
    if (!gate_.Enter(batch->body.size(), EventStore::kPatience, &pass)) return StoreIsBehind();
  }
  return publisher_->Publish(std::move(batch));
}

}  // namespace dedup::sidecar
