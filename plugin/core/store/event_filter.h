// Which of the stored events somebody wants to see.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

/// A row of the store. The views are valid until the callback that got it returns.
struct StoredEvent {
  std::uint64_t seq;
  std::int64_t received_us;  ///< UTC, microseconds since 1970
  std::string_view topic;
  std::string_view event_id;                    ///< after unescaping; may hold NUL bytes; with a rule: its key's text
  std::string_view rule = {};                   ///< the name of the rule that has made the key; empty: none of a file
  std::optional<std::string_view> source = {};  ///< see FindSource
  std::string_view payload;                     ///< the bytes as published
};

/// Everything that is set must hold.
struct EventFilter {
  std::string topic;                    ///< an MQTT filter, a plain topic for one; empty: every topic
  std::vector<std::string> within;      ///< MQTT filters, of which the topic must match one; empty: no such condition
  std::optional<std::string> event_id;  ///< of an event without a rule
  std::optional<std::string> key;       ///< the text of the key that a rule has made
  std::optional<std::string> rule;      ///< its name; an empty one: no rule of a file
  std::optional<std::string> source;
  std::int64_t since_us = std::numeric_limits<std::int64_t>::min();  ///< of received_us, inclusive
  std::int64_t until_us = std::numeric_limits<std::int64_t>::max();  ///< exclusive

  bool has_plain_topic() const { return !topic.empty() && topic.find_first_of("+#") == std::string::npos; }
  bool limits_topics() const { return !topic.empty() || !within.empty(); }
  bool has_times() const;
  bool MatchesTopic(std::string_view event_topic) const;
  bool Matches(const StoredEvent& event) const;
};

/// The events with first_seq <= seq <= last_seq, from the first on or from the last on.
struct EventRange {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = std::numeric_limits<std::int64_t>::max();
  bool newest_first = false;
};

}  // namespace dedup
