// Whether most of what comes on a topic has one and the same key: then the key names a device, not an event.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dedup {

/// Watches one topic after the other. A topic's messages first vote for a key (Boyer, Moore, "MJRTY", 1981: if one has
/// more than half of them, it wins), then those that have it are counted: kMessages at least each time, and for
/// kWatched_ms, so that a burst of copies of one event is none. A topic on which nothing comes for kQuiet_ms is given
/// up.
///
/// Memory: 350 bytes. Threading: one thread. Errors: none.
class KeyMajority {
 public:
  static constexpr std::uint32_t kMessages = 16;
  static constexpr std::int64_t kWatched_ms = 10'000;
  static constexpr std::int64_t kQuiet_ms = 3'600'000;
  static constexpr std::size_t kTopicBytesMax = 256;

  struct Verdict {
    std::uint32_t messages = 0;
    std::uint32_t of_one_key = 0;
    bool is_majority() const { return of_one_key > messages / 2; }
  };

  /// True when the watch of a topic has ended with this message, which has that topic: see verdict().
  bool Note(std::string_view topic, std::uint64_t key, std::int64_t now_ms) noexcept {
    if (!is_watched(topic)) {
      if (watches_ && now_ms - last_ms_ < kQuiet_ms) return false;
      Watch(topic, now_ms);
    }
    last_ms_ = now_ms;
    ++messages_;
    if (is_counting_) {
      if (key == candidate_) ++votes_;
    } else if (votes_ == 0) {
      candidate_ = key;
      votes_ = 1;
    } else {
      key == candidate_ ? ++votes_ : --votes_;
    }
    if (messages_ < kMessages || now_ms - began_ms_ < kWatched_ms) return false;
    const bool was_counting = is_counting_;
    if (was_counting) verdict_ = {messages_, votes_};
    watches_ = !was_counting;
    Begin(!was_counting, now_ms);
    return was_counting;
  }

  /// Of the last topic whose watch has ended.
  const Verdict& verdict() const { return verdict_; }

 private:
  bool is_watched(std::string_view topic) const {
    return watches_ && topic.size() == topic_bytes_ &&
           topic.substr(0, kTopicBytesMax) == std::string_view(topic_.data(), std::min(topic_bytes_, kTopicBytesMax));
  }
  void Watch(std::string_view topic, std::int64_t now_ms) {
    topic.copy(topic_.data(), kTopicBytesMax);
    topic_bytes_ = topic.size();
    watches_ = true;
    Begin(false, now_ms);
  }
  void Begin(bool is_counting, std::int64_t now_ms) {
    is_counting_ = is_counting;
    began_ms_ = now_ms;
    messages_ = 0;
    votes_ = 0;
  }

  bool watches_ = false;
  bool is_counting_ = false;  // or voting
  std::int64_t began_ms_ = 0;
  std::int64_t last_ms_ = 0;
  std::uint64_t candidate_ = 0;
  std::uint32_t messages_ = 0;
  std::uint32_t votes_ = 0;
  Verdict verdict_;
  std::size_t topic_bytes_ = 0;
  std::array<char, kTopicBytesMax> topic_;  // its beginning; last, since most of it is seldom touched
};

}  // namespace dedup
