// An event's key, (topic, event_id), as 128 bits that nobody without the secret can make collide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dedup {

struct KeyHash {
  std::uint64_t high;
  std::uint64_t low;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};

/// 16 random bytes, made once per data directory and kept in the journal's header.
using HashSecret = std::array<std::uint8_t, 16>;

/// A fresh secret from the kernel. Errors: StorageError when the kernel has none to give.
HashSecret MakeHashSecret();

/// SipHash-2-4 with 128 bits of output (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF") over the
/// topic's length, the topic and the id; the length keeps ("ab", "c") and ("a", "bc") apart.
KeyHash HashKey(const HashSecret& secret, std::string_view topic, std::string_view event_id);

}  // namespace dedup
