// What a rule would do if it did not only observe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/key.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/event/sip_hash.h"
#include "plugin/core/observe/distinct_count.h"
#include "plugin/core/observe/duration_counts.h"
#include "plugin/core/observe/first_samples.h"
#include "plugin/core/observe/observed_keys.h"
#include "plugin/core/observe/payload_comparison.h"
#include "plugin/core/observe/payload_mark.h"
#include "plugin/core/observe/rule_report.h"
#include "plugin/core/observe/top_list.h"

namespace dedup {

/// What all observers use together.
class ObserverTools {
 public:
  explicit ObserverTools(const HashSecret& secret);

  /// A comparison may take 0.2 ms, so there are at most 100 a second, of all rules.
  bool MayCompare(std::int64_t now_ms) {
    if (now_ms < next_comparison_ms_) return false;
    next_comparison_ms_ = now_ms + kComparisonInterval_ms;
    return true;
  }
  std::uint32_t HashOf(std::string_view text) const;

  const PayloadMarks marks;
  PayloadComparison comparison;

 private:
  static constexpr std::int64_t kComparisonInterval_ms = 10;

  SipHash128 beginning_;
  std::int64_t next_comparison_ms_ = 0;
};

/// Remembers the keys of one rule's messages and what their copies were like.
///
/// A message takes some 0.3 µs, whatever its payload's size; a copy that is compared in detail 0.2 ms at most.
/// Memory: as the constructor is told, and 50 KB. Threading: one thread.
class RuleObserver {
 public:
  static constexpr std::size_t kSamplesMax = 5;
  static constexpr std::size_t kSampleBytesMax = 512;  // of a payload that is shown

  struct Room {
    std::size_t keys_max;       ///< a power of two
    std::size_t first_samples;  ///< one at least
    friend bool operator==(const Room&, const Room&) = default;
  };

  /// `tools` must outlive it. `are_protobuf`: the rule's payloads. Errors: std::bad_alloc.
  RuleObserver(ObserverTools& tools, const Room& room, std::int64_t window_ms, bool are_protobuf);

  /// Notes a message with that key; key_text() makes the key's text, and is seldom called for messages that are none of
  /// a known key. Ages never fall. Where there is no memory, less is noted.
  template <class KeyText>
  void Note(const KeyHash& key, const Publish& publish, std::int64_t age_ms, const KeyText& key_text) noexcept {
    const Copy copy = Look(key.low, publish, age_ms);
    if (copy.first == nullptr) return;
    NoteCopy(copy, publish, key_text());
  }

  /// Goes on in the other one's room, with no key remembered; what was counted stays.
  void SwapRoom(RuleObserver& other) noexcept;
  const Room& room() const { return room_; }

  /// Whether a message with that key would be a copy now.
  bool IsRemembered(const KeyHash& key, std::int64_t age_ms) { return keys_.Find(key.low, age_ms) != nullptr; }

  Observations Report() const;

 private:
  // A message whose key is remembered.
  struct Copy {
    ObservedKeys::Key* first = nullptr;
    std::int64_t gap_ms = 0;
    std::uint64_t payload_mark = 0;
    std::uint32_t topic_hash = 0;
    std::uint32_t client_hash = 0;
    std::int64_t now_ms = 0;
  };

  Copy Look(std::uint64_t key, const Publish& publish, std::int64_t now_ms) noexcept;
  void NoteCopy(const Copy& copy, const Publish& publish, std::string_view key_text) noexcept;
  void Compare(const Copy& copy, const Publish& publish, std::string_view key_text);
  void KeepSample(CopySample sample);

  ObserverTools& tools_;
  Room room_;
  const std::int64_t window_ms_;
  const bool are_protobuf_;
  ObservedKeys keys_;
  FirstSamples first_samples_;
  const std::string since_;
  std::uint64_t firsts_ = 0;
  std::uint64_t same_payload_ = 0;
  std::uint64_t other_client_ = 0;
  std::uint64_t other_topic_ = 0;
  std::uint64_t differing_ = 0;
  DurationCounts gaps_;
  DistinctCount clients_;
  DistinctCount topics_;
  TopList key_copies_;
  TopList places_;
  std::vector<CopySample> samples_;  // the newest first
  std::int64_t next_sample_ms_ = 0;
};

}  // namespace dedup
