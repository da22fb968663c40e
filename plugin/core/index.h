// The remembered keys in memory: exact answers, no stall, memory that follows the window.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "key.h"

namespace dedup {

/// Which keys are remembered, and the seq of each.
///
/// Two parts. The log holds 96 bits of every key's hash in order of seq, in chunks, so the oldest keys are forgotten
/// from its front and their chunks go back to the allocator. The table finds a key: 16,384 shards (chosen by bits that
/// the log holds, so that a key can be taken out again from its log entry alone), each an open-addressed array of
/// 6-byte slots: 16 further bits of the hash and the low half of the seq, which leads into the log. So 112 bits of the
/// keyed hash are compared before a key counts as seen: at 10^9 keys, two that differ meet with a probability of
/// 10^-16. A shard that grows too full is rebuilt alone, by half its size: tens of microseconds at 100 M keys, so no
/// insert stalls the broker. Discarded: one large table (a rebuild takes seconds), linear hashing (overflow chains cost
/// a second cache miss), keys of 128 bits with their seq in the table (32 bytes a key, and forgetting would need the
/// keys back from the store).
///
/// Limits: seqs in the index span less than 2^32. Memory: 12 bytes a key for the log, 7 to 11 for the table.
/// Threading: one thread.
class Index {
 public:
  Index();

  /// The seq under which the key is remembered.
  std::optional<std::uint64_t> Find(const KeyHash& key) const;

  /// Makes room for one key, so that the Insert that follows cannot fail. `seq` must be greater than all before; gaps
  /// are allowed. Errors: std::bad_alloc; std::length_error beyond the span above. Nothing has changed then.
  void Reserve(const KeyHash& key, std::uint64_t seq);

  /// Remembers a key that Find does not know and that Reserve has made room for.
  void Insert(const KeyHash& key, std::uint64_t seq) noexcept;

  /// Forgets the one key that is remembered under `seq`.
  void Forget(std::uint64_t seq);

  /// Forgets keys with a seq up to `seq`, oldest first, looking at no more than `steps_max` seqs.
  /// Returns whether there is nothing left to forget up to `seq`.
  bool ForgetUpTo(std::uint64_t seq, std::size_t steps_max);

  std::uint64_t size() const { return size_; }

 private:
  // 96 bits of the hash; all zero marks a seq without a key.
  struct LogEntry {
    std::uint32_t words[3];
  };
  static constexpr std::uint64_t kChunkEntries = 1 << 14;
  using Chunk = std::unique_ptr<LogEntry[]>;

  struct Slot {
    std::uint16_t tag;  // 0: empty
    std::uint16_t seq_low[2];
  };
  struct Shard {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t capacity = 0;
    std::uint32_t used = 0;
  };

  static LogEntry MakeEntry(const KeyHash& key);
  static std::uint16_t MakeTag(const KeyHash& key);
  static std::uint32_t Home(const LogEntry& entry, std::uint32_t capacity);
  static std::size_t ShardOf(const LogEntry& entry);
  static bool HasKey(const LogEntry& entry);
  void Place(Shard& shard, const Slot& slot, const LogEntry& entry);
  std::uint64_t SeqOf(const Slot& slot) const;
  LogEntry& EntryOf(std::uint64_t seq) const;
  void Rebuild(Shard& shard, std::uint32_t capacity);
  void Remove(std::uint64_t seq, LogEntry& entry);

  std::vector<Shard> shards_;
  std::deque<Chunk> chunks_;       // of consecutive kChunkEntries seqs each; null where no seq of a chunk has a key
  std::uint64_t first_chunk_ = 0;  // chunks_.front() holds the seqs from first_chunk_ * kChunkEntries
  std::uint64_t oldest_seq_ = 0;   // no key has a smaller one
  std::uint64_t size_ = 0;
};

}  // namespace dedup
