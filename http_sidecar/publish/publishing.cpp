#include "http_sidecar/publish/publishing.h"

#include <algorithm>
#include <unordered_map>

#include "http_sidecar/base/time.h"
#include "http_sidecar/http/query.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

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

// The member `payload` without the whitespace between its tokens; nothing where there is none.
std::optional<std::string> PayloadOf(std::string_view event_json) {
  json::Reader reader(event_json);
  if (!reader.EnterObject()) return std::nullopt;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (!json::Means(name, "payload")) continue;
    std::string compact;
    bool in_string = false;
    for (std::size_t i = 0; i < value.text.size(); ++i) {
      const char c = value.text[i];
      if (in_string && c == '\\') {
        compact.append(value.text.substr(i++, 2));
        continue;
      }
      if (c == '"') in_string = !in_string;
      if (in_string || std::string_view(" \t\r\n").find(c) == std::string_view::npos) compact.push_back(c);
    }
    return compact;
  }
  return std::nullopt;
}

/// What is kept of a first while a batch is compared with it: a batch may hold it 100,000 times, and it may be large.
struct First {
  std::optional<std::int64_t> received_us = {};  // nothing when its row is gone
  std::optional<Sha256> payload_hash = {};       // nothing when it has no payload
};

First ReadFirst(Api& api, std::uint64_t seq) {
  First first;
  api.store.Read([&](EventReader& reader) {
    return reader.ReadEvents({}, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent& event) {
      first = {event.received_us, HashOfPayload(event.payload)};
      return true;
    });
  });
  return first;
}

std::string_view VerdictText(const Result& result) {
  return result.is_conflict ? "conflict" : NameOf(result.outcome.verdict);
}

}  // namespace

std::variant<PublishOptions, Problem> ParsePublishOptions(std::string_view target) {
  PublishOptions options;
  const std::string qos(RawQueryValue(target, "qos").value_or("1"));
  if (qos.size() != 1 || qos[0] < '0' || qos[0] > '2')
    return Problem{problems::kInvalidParameter, "qos takes 0, 1 or 2"};
  options.qos = qos[0] - '0';
  const std::string_view retain = RawQueryValue(target, "retain").value_or("false");
  if (retain != "true" && retain != "false") return Problem{problems::kInvalidParameter, "retain takes true or false"};
  options.retain = retain == "true";
  const std::string_view results = RawQueryValue(target, "results").value_or("brief");
  if (results != "full" && results != "brief")
    return Problem{problems::kInvalidParameter, "results takes full or brief"};
  options.full_results = results == "full";
  return options;
}

std::variant<std::vector<Outcome>, Problem> PublishBatch(Api& api, const Caller& caller,
                                                         const std::shared_ptr<const Batch>& batch) {
  for (std::size_t i = 0; i < batch->events.size(); ++i) {
    const std::string& topic = batch->events[i].topic;
    if (!caller.MayPublish(topic))
      return Problem{problems::kScopeMissing, EventProblem(i, "topic", caller.LackOf("publish", topic)).detail};
  }
  if (batch->events.empty()) return std::vector<Outcome>();
  std::optional<JournalGate::Pass> pass;
  if (batch->body.size() > kSmallBodyBytes) {
    if (auto problem = CheckFits(*batch, api.store.ReadStatistics().record_bytes_max)) return *std::move(problem);
    if (!api.journal_gate.Enter(batch->body.size(), EventStore::kPatience, &pass)) return StoreIsBehind();
  }
  return api.publisher->Publish(batch);
}

std::variant<std::vector<Result>, Problem> LookUpFirsts(Api& api, const Caller& caller, const Batch& batch,
                                                        const std::vector<Outcome>& outcomes) {
  const auto has_first = [&](std::size_t i) {
    return outcomes[i].verdict == Verdict::kDuplicate && caller.MayRead(batch.events[i].topic);
  };
  std::uint64_t newest_first_seq = 0;  // accepted just now, perhaps
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (has_first(i)) newest_first_seq = std::max(newest_first_seq, outcomes[i].seq);
  }
  if (newest_first_seq != 0 && !api.store.AwaitStored(newest_first_seq)) {
    return StoreIsBehind();
  }
  std::vector<Result> results;
  std::unordered_map<std::uint64_t, First> firsts;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Result& result = results.emplace_back(Result{.outcome = outcomes[i]});
    if (!has_first(i)) continue;
    const auto [known, is_new] = firsts.try_emplace(outcomes[i].seq);
    if (is_new) known->second = ReadFirst(api, outcomes[i].seq);
    const First& first = known->second;
    result.first_received_us = first.received_us;
    result.is_conflict = first.received_us && first.payload_hash != HashOfPayload(batch.events[i].payload);
    if (result.is_conflict) ++api.conflicts;
  }
  return results;
}

std::string ResultText(const Event& event, const Result& result) {
  ObjectText text;
  text.AddRaw("event_id", event.event_id_text).AddText("verdict", VerdictText(result));
  if (result.outcome.seq != 0) text.Add("seq", result.outcome.seq);
  if (result.first_received_us) text.AddText("first_received_at", FormatTime(*result.first_received_us));
  return text.Take();
}

std::optional<Sha256> HashOfPayload(std::string_view event_json) {
  const auto payload = PayloadOf(event_json);
  return payload ? std::optional(Sha256Of(*payload)) : std::nullopt;
}

}  // namespace dedup::sidecar
