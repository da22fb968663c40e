#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/base/number.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/plugin_answer.h"
#include "http_sidecar/http/query.h"

namespace dedup::sidecar {
namespace {

// Of the latest events, for which everybody asks alike. Of others there are too many lists to keep answers about.
constexpr std::chrono::milliseconds kLatestAgeMax{500};

std::vector<std::uint64_t> LatestSeqs(std::uint64_t accepted_seq) {
  std::vector<std::uint64_t> seqs;
  for (std::uint64_t seq = accepted_seq; seq > 0 && seqs.size() < kDuplicatesSeqsMax; --seq) seqs.push_back(seq);
  return seqs;
}

std::optional<std::vector<std::uint64_t>> ParseSeqs(std::string_view text) {
  std::vector<std::uint64_t> seqs;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto seq = ParseNumber<std::uint64_t>(text.substr(0, comma));
    if (!seq || seqs.size() == kDuplicatesSeqsMax) return std::nullopt;
    seqs.push_back(*seq);
    if (comma == std::string_view::npos) return seqs;
    text.remove_prefix(comma + 1);
  }
}

// The plugin knows the seqs alone, the store which topics they are of.
void LeaveReadable(Api& api, const Caller& caller, std::vector<std::uint64_t>* seqs) {
  if (caller.may_read_everything()) return;
  EventFilter filter;
  caller.Narrow(&filter);
  api.store.Read([&](EventReader& reader) {
    return std::erase_if(*seqs, [&](std::uint64_t seq) {
      bool is_readable = false;
      reader.ReadEvents(filter, {.first_seq = seq, .last_seq = seq}, [&](const StoredEvent&) {
        is_readable = true;
        return false;
      });
      return !is_readable;
    });
  });
}

}  // namespace

Answer ServeDuplicates(Api& api, Request& request) {
  const bool are_named = RawQueryValue(request.target, "seqs").has_value();
  auto seqs =
      are_named ? ParseSeqs(QueryValue(request.target, "seqs")) : LatestSeqs(api.store.ReadStatistics().accepted_seq);
  if (!seqs) {
    return ProblemAnswer(
        {problems::kInvalidParameter,
         "seqs takes the seqs of 1 to " + std::to_string(kDuplicatesSeqsMax) + " events, with commas between them"});
  }
  LeaveReadable(api, request.caller, &*seqs);
  std::string members = "\"seqs\":[";
  for (const std::uint64_t seq : *seqs) members.append(members.ends_with('[') ? "" : ",").append(std::to_string(seq));
  const auto age_max = are_named ? std::chrono::milliseconds::zero() : kLatestAgeMax;
  return AnswerOfPlugin(api.publisher->Ask({"duplicates", members + "]"}, age_max), problems::kBrokerUnavailable);
}

}  // namespace dedup::sidecar
