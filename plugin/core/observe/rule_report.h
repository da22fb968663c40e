// What was seen of a rule, as people and the dashboard read it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/contract/rule_counters.h"
#include "plugin/core/observe/key_majority.h"
#include "plugin/core/observe/top_list.h"
#include "plugin/core/rules/rule.h"

namespace dedup {

/// A would-be duplicate beside the first message of its key.
struct CopySample {
  struct Message {
    std::string topic;      ///< the beginning, as all texts of it
    std::string client_id;  ///< empty: none
    std::string payload;    ///< bytes
    std::size_t payload_bytes = 0;
  };
  std::string at;  ///< RFC 3339, UTC
  std::string key;
  std::int64_t gap_ms = 0;
  bool has_same_payload = false;
  Message first;
  Message copy;
};

/// What a rule has seen that only observes.
struct Observations {
  std::string since;  ///< RFC 3339, UTC
  std::uint64_t firsts = 0;
  std::uint64_t copies = 0;        ///< would-be duplicates; with the firsts all messages of the rule
  std::uint64_t same_payload = 0;  ///< of the copies
  std::uint64_t other_client = 0;  ///< of the copies: from another client than the first one
  std::uint64_t other_topic = 0;
  std::uint64_t clients = 0;  ///< that sent copies, about
  std::uint64_t topics = 0;   ///< on which copies came, about
  std::uint64_t gap_p50_ms = 0;
  std::uint64_t gap_p99_ms = 0;
  std::uint64_t gap_max_ms = 0;
  std::vector<TopList::Row> keys;    ///< those with the most copies
  std::uint64_t differing = 0;       ///< copies with another payload that was compared in detail
  std::vector<TopList::Row> places;  ///< where they differ most (PayloadComparison)
  std::vector<CopySample> samples;   ///< the newest first
  std::uint64_t keys_remembered = 0;
  std::uint64_t keys_max = 0;
  /// Keys that had to go before their window was over: copies of them are not seen as such.
  std::uint64_t keys_forgotten_early = 0;
  std::int64_t reach_ms = 0;  ///< how old the last one of them was
};

/// Whether the rule's keys name devices rather than events: what KeyMajority found of one topic after the other.
struct OneKey {
  std::uint64_t topics_watched = 0;
  std::uint64_t topics_with_one_key = 0;  ///< of them: those where most of the messages had one and the same key
  // Of the last of the latter:
  std::string at;  ///< RFC 3339, UTC; empty where there is none
  std::string topic;
  std::string key;
  KeyMajority::Verdict verdict;
};

struct RuleReport {
  std::string name;
  RuleMode mode = RuleMode::kDrop;
  std::vector<std::string> topics;
  std::chrono::milliseconds window = kForever;
  std::string since;  ///< RFC 3339, UTC: of the counters
  RuleCounters counters;
  OneKey one_key;
  std::optional<Observations> observations;
};

/// {"name":…,"mode":…,"window_ms":…,"since":…,"matched":…,…}: what there is of every rule.
std::string SummaryJson(const RuleReport& report);
/// The same and all the rest.
std::string ReportJson(const RuleReport& report);

}  // namespace dedup
