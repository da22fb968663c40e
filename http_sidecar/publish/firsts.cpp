#include "http_sidecar/publish/firsts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

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

First ReadFirst(EventStore* store, std::uint64_t seq) {
  First first;
  store->Read([&](EventReader& reader) {
    return reader.ReadEvents({}, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent& event) {
      first = {event.received_us, HashOfPayload(event.payload)};
      return true;
    });
  });
  return first;
}

}  // namespace

std::variant<std::vector<Result>, Problem> LookUpFirsts(EventStore* store, const Caller& caller, const Batch& batch,
                                                        const std::vector<Outcome>& outcomes) {
  const auto has_first = [&](std::size_t i) {
    return outcomes[i].verdict == Verdict::kDuplicate && caller.MayRead(batch.events[i].topic);
  };
  std::uint64_t newest_first_seq = 0;  // accepted just now, perhaps
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (has_first(i)) newest_first_seq = std::max(newest_first_seq, outcomes[i].seq);
  }
  if (newest_first_seq != 0 && !store->AwaitStored(newest_first_seq)) {
    return StoreIsBehind();
  }
  std::vector<Result> results;
  std::unordered_map<std::uint64_t, First> firsts;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Result& result = results.emplace_back(Result{.outcome = outcomes[i]});
    if (!has_first(i)) continue;
    const auto [known, is_new] = firsts.try_emplace(outcomes[i].seq);
    if (is_new) known->second = ReadFirst(store, outcomes[i].seq);
    const First& first = known->second;
    result.first_received_us = first.received_us;
    result.is_conflict = first.received_us && first.payload_hash != HashOfPayload(batch.events[i].payload);
  }
  return results;
}

std::optional<Sha256> HashOfPayload(std::string_view event_json) {
  const auto payload = PayloadOf(event_json);
  return payload ? std::optional(Sha256Of(*payload)) : std::nullopt;
}

}  // namespace dedup::sidecar
