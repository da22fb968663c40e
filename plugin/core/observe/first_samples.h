// Whole first messages of some keys, to show what their copies change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/publish.h"

namespace dedup {

/// Beginning of a text for people, at most so many bytes of it; "…" stands for the rest.
std::string Beginning(std::string_view text, std::size_t bytes_max);

/// Nobody knows how long a copy takes, so the places differ in how long they are kept from the next message: from a
/// second to hours, half of them for less than five minutes. Whatever the gap is, some first message is still there.
///
/// Memory: kPayloadBytesMax and some 500 bytes for each. Threading: one thread. Errors: std::bad_alloc.
class FirstSamples {
 public:
  static constexpr std::size_t kPayloadBytesMax = 4096;
  static constexpr std::size_t kTextBytesMax = 256;
  /// A sample that was compared so often makes way for another key's.
  static constexpr int kUsesMax = 4;

  struct Sample {
    std::uint64_t key = 0;
    std::int64_t taken_ms = 0;
    int uses = kUsesMax;
    std::size_t payload_bytes = 0;
    std::string topic;
    std::string client_id;
    const char* payload_begin = nullptr;

    std::string_view payload() const { return {payload_begin, payload_bytes}; }
  };

  explicit FirstSamples(std::size_t count);

  /// Keeps the message if there is a place for it, and returns the place's number, from 1; else, and for a payload of
  /// more than kPayloadBytesMax, 0.
  std::uint32_t Take(std::uint64_t key, const Publish& publish, std::int64_t now_ms);

  /// The key's sample if it still stands in that place, and counts a use of it; nullptr otherwise.
  const Sample* Use(std::uint32_t number, std::uint64_t key);
  /// Makes way for another one.
  void Drop(std::uint32_t number);

 private:
  std::int64_t KeptUntil_ms(std::size_t i) const;

  std::vector<Sample> samples_;
  std::unique_ptr<char[]> payloads_;
  std::int64_t next_free_ms_ = 0;  // no place is free before
};

}  // namespace dedup
