#include "http_sidecar/publish/firsts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http_sidecar/events/shown_members.h"

namespace dedup::sidecar {
namespace {

// A JSON text without the whitespace between its tokens.
std::string Compact(std::string_view json) {
  std::string compact;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      compact.append(json.substr(i++, 2));
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || std::string_view(" \t\r\n").find(c) == std::string_view::npos) compact.push_back(c);
  }
  return compact;
}

StoredEvent AsStored(const Event& event) {
  return {.seq = 0, .received_us = 0, .topic = event.topic, .event_id = event.event_id, .payload = event.payload};
}

/// What is kept of a first while a batch is compared with it: a batch may hold it 100,000 times, and it may be large.
struct First {
  std::optional<std::int64_t> received_us = {};  // nothing when its row is gone
  std::optional<Sha256> payload_hash = {};       // nothing when it has no payload
};

// Nothing where the caller may not read it: a rule may take events of several topics for the same one.
First ReadFirst(EventStore* store, const Caller& caller, std::uint64_t seq) {
  First first;
  store->Read([&](EventReader& reader) {
    return reader.ReadEvents({}, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent& event) {
      if (caller.MayRead(event.topic)) first = {event.received_us, HashOfPayload(event)};
      return true;
    });
  });
  return first;
}

}  // namespace

std::variant<std::vector<Result>, Problem> LookUpFirsts(EventStore* store, const Caller& caller, const Batch& batch,
                                                        const std::vector<Outcome>& outcomes) {
  const auto has_first = [&](std::size_t i) {
    return outcomes[i].verdict == Verdict::kDuplicate && caller.may_read_something();
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
    if (is_new) known->second = ReadFirst(store, caller, outcomes[i].seq);
    const First& first = known->second;
    result.first_received_us = first.received_us;
    result.is_conflict = first.received_us && first.payload_hash != HashOfPayload(AsStored(batch.events[i]));
  }
  return results;
}

std::optional<Sha256> HashOfPayload(const StoredEvent& event) {
  const ShownMembers members = ShowMembers(event);
  if (!members.is_json) return Sha256Of(event.payload);
  if (members.payload.text.empty()) return std::nullopt;
  return Sha256Of(Compact(members.payload.text));
}

}  // namespace dedup::sidecar
