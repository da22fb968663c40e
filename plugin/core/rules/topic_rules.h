// Which rules a topic is shown to, looked up once for each topic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugin/core/rules/candidates.h"
#include "plugin/core/rules/filter_tree.h"
#include "plugin/core/rules/topic_cache.h"

namespace dedup {

/// Memory, as far as it is used: 6 MiB for topics, and about kCandidatesBytesMax for the rules of them put together.
/// When that does not do, all is forgotten and made again as topics come. Threading: one thread. Errors:
/// std::bad_alloc, from the constructor and for topics that were not seen lately.
class TopicRules {
 public:
  static constexpr std::size_t kCandidatesBytesMax = std::size_t{8} << 20;
  /// MQTT 3.1.1, section 1.5.3.
  static constexpr std::size_t kTopicBytesMax = 65535;

  /// The set must outlive this. The seed is to be a secret.
  TopicRules(const RuleSet& set, std::uint64_t seed);

  /// The rules for a topic; holds until the next call. There are none for an empty topic, for those beginning with `$`,
  /// and for those longer than MQTT allows, which only a mount point or a bridge's prefix can have made.
  const Candidates& Of(std::string_view topic) {
    if (topic.empty() || topic.front() == '$' || topic.size() > kTopicBytesMax) return none_;
    if (is_default_alone_) return *groups_.front();
    if (const auto number = topics_.Find(topic)) return *groups_[*number];
    return *groups_[Add(topic)];
  }

 private:
  using Numbers = std::vector<std::uint16_t>;

  std::uint16_t Add(std::string_view topic);
  std::uint16_t GroupOf(const Numbers& rules);

  const RuleSet& set_;
  FilterTree filters_;
  bool is_default_alone_;  // the default rule for all topics, and no other
  TopicCache topics_;      // a topic's group
  std::vector<std::unique_ptr<const Candidates>> groups_;
  std::unordered_map<std::string, std::uint16_t> group_numbers_;  // by the bytes of its rules' numbers
  std::size_t bytes_ = 0;
  const Candidates none_;
  Numbers matched_;
};

}  // namespace dedup
