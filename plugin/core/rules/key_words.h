// What keeps apart all that is hashed with one secret: the first word of each.
#pragma once

#include <cstdint>

namespace dedup {

enum class HashUse : std::uint64_t {
  kRuleKey = 0xFF,
  kDigest = 0xFE,
  kFingerprint = 0xFD,
  kTopics = 0xFC,
  kPayloadMark = 0xFB,
  kObserved = 0xFA,
};

/// HashKey, and so the default rule's key, begins with two sizes below 2^32 and 2^24, which leave the highest byte 0.
constexpr std::uint64_t FirstWord(HashUse use, std::uint64_t rest = 0) {
  return static_cast<std::uint64_t>(use) << 56 | rest;
}

}  // namespace dedup
