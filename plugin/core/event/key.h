// An event's key, (topic, event_id), as 128 bits that nobody without the secret can make collide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dedup {

/// To whoever has no secret, every choice of its bits is as good as random; Index compares 95 of them.
struct KeyHash {
  std::uint64_t high;
  std::uint64_t low;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};

/// 16 random bytes, made once per data directory and kept in the journal's header.
using HashSecret = std::array<std::uint8_t, 16>;

/// A fresh secret from the kernel. Errors: StorageError when the kernel has none to give.
HashSecret MakeHashSecret();

/// SipHash-1-3 with 128 bits of output (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF") over both
/// sizes, the topic and the id. One round a word and three at the end are what Rust's and Python's own tables trust to
/// withstand keys that are made to collide: whoever has no secret and never sees a hash can do no better than guess.
/// Whoever keeps hashes (KeyFile) keeps one of a known text beside them, and so notices when the function has changed.
KeyHash HashKey(const HashSecret& secret, std::string_view topic, std::string_view event_id);

}  // namespace dedup
