// What tells payloads apart that nobody keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plugin/core/event/key.h"
#include "plugin/core/event/sip_hash.h"
#include "plugin/core/rules/key_words.h"

namespace dedup {

/// A keyed hash of a payload's size and of its first kMarkedBytesMax bytes, for a payload may have 256 MB: two larger
/// ones that differ only behind that count as the same. Otherwise nobody without the secret can make two meet.
class PayloadMarks {
 public:
  static constexpr std::size_t kMarkedBytesMax = std::size_t{64} << 10;

  explicit PayloadMarks(const HashSecret& secret) : beginning_(secret) {
    beginning_.Add(FirstWord(HashUse::kPayloadMark));
  }

  std::uint64_t Of(std::string_view payload) const { return Of(payload.size(), payload.substr(0, kMarkedBytesMax)); }
  /// `head`: the payload's first kMarkedBytesMax bytes, or all.
  std::uint64_t Of(std::uint64_t payload_bytes, std::string_view head) const {
    SipHash128 hash = beginning_;
    hash.Add(payload_bytes);
    hash.Add(head);
    return hash.Finish().low;
  }

 private:
  SipHash128 beginning_;
};

}  // namespace dedup
