// How many duplicates came of each of the latest events.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "plugin/core/event/outcome.h"

namespace dedup {

/// Counts from Begin on, exactly, for the latest kEvents events.
///
/// Memory: 256 KB. Threading: one thread. Errors: none; nothing allocates.
class DuplicateCounts {
 public:
  static constexpr std::size_t kEvents = 65'536;

  struct Count {
    std::uint64_t duplicates;
    bool is_exact;  ///< false for an event from before Begin: there may have been more
  };

  /// Events up to `accepted_seq` came before; all is counted anew.
  void Begin(std::uint64_t accepted_seq) {
    begin_seq_ = newest_seq_ = accepted_seq;
    counts_.fill(0);
  }

  /// The verdict about an event.
  void Note(const Outcome& outcome) noexcept {
    if (outcome.verdict != Verdict::kProcessed && outcome.verdict != Verdict::kDuplicate) return;
    // Each new event takes the place of one that is no longer among the latest. Some came without a word to this.
    if (outcome.seq > newest_seq_) {
      const std::uint64_t first = std::max(newest_seq_ + 1, outcome.seq - std::min(outcome.seq, kEvents - 1));
      for (std::uint64_t seq = first; seq <= outcome.seq; ++seq) counts_[seq % kEvents] = 0;
      newest_seq_ = outcome.seq;
    }
    if (outcome.verdict != Verdict::kDuplicate || !IsLatest(outcome.seq)) return;
    std::uint32_t& count = counts_[outcome.seq % kEvents];
    if (count != std::numeric_limits<std::uint32_t>::max()) ++count;
  }

  /// Nothing for an event that is not among the latest.
  std::optional<Count> Of(std::uint64_t seq) const {
    if (!IsLatest(seq)) return std::nullopt;
    return Count{counts_[seq % kEvents], seq > begin_seq_};
  }

 private:
  bool IsLatest(std::uint64_t seq) const { return seq > 0 && seq <= newest_seq_ && newest_seq_ - seq < kEvents; }

  std::uint64_t begin_seq_ = 0;
  std::uint64_t newest_seq_ = 0;
  std::array<std::uint32_t, kEvents> counts_{};  // by seq
};

}  // namespace dedup
