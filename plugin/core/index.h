// The remembered keys in memory: exact answers, no stall, memory that follows the window.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "key.h"
#include "zeroed_array.h"

namespace dedup {

/// Which keys are remembered, and the seq of each.
///
/// Two parts. The log holds 96 bits of every key's hash in order of seq, in chunks, so the oldest keys are forgotten
/// from its front and their chunks go back to the allocator. The table finds a key: 2,048 shards (chosen by bits that
/// the log holds, so that a key can be taken out again from its log entry alone), each an open-addressed array of
/// 8-byte slots: where the key belongs (16 bits, in the log too), 16 further bits of the hash, and the low half of the
/// seq, which leads into the log. So 112 bits of the keyed hash are compared before a key counts as seen: at 10^9 keys,
/// two that differ meet with a probability of 10^-16. Slots stand in the order of their homes (Robin Hood hashing), so
/// a search for an absent key ends within a cache line though the shard is nearly full, and a shard that is too full is
/// rebuilt, alone and larger by a sixth (doubled while it is small), from its slots alone: tens of microseconds at 100
/// M keys, so no insert stalls the broker. Discarded: one large table (a rebuild takes seconds), linear hashing
/// (overflow chains cost a second cache miss), 6-byte slots (a rebuild needs every key's log entry, a cache miss each),
/// keys of 128 bits with their seq in the table (32 bytes a key, and forgetting would need the keys back from the
/// store).
///
/// Limits: seqs in the index span less than 2^32. Memory: 12 bytes a key for the log, 9 to 11 for the table.
/// Threading: one thread.
class Index {
 public:
  Index();

  /// Asks for the memory that Find will look at; worth it where there is something else to do before.
  void Prefetch(const KeyHash& key) const;

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
  static constexpr std::uint32_t kChunkEntries = 1 << 14;
  using Chunk = ZeroedArray<LogEntry>;

  struct Slot {
    std::uint32_t seq_low;
    std::uint16_t home;  // scaled by the shard's capacity: where the key would stand if it were alone
    std::uint16_t tag;   // 0: empty
  };
  // Small, so that all of them stay in the processor's cache.
  struct Shard {
    [[no_unique_address]] ZeroedArray<Slot> slots;
    std::uint32_t used = 0;

    std::uint32_t Next(std::uint32_t i) const { return i + 1 == slots.size() ? 0 : i + 1; }
    std::uint32_t Home(const Slot& slot) const {
      return static_cast<std::uint32_t>(std::uint64_t{slot.home} * slots.size() >> 16);
    }
    // How far the slot at `i` stands from its home.
    std::uint32_t Distance(std::uint32_t i) const {
      const std::uint32_t home = Home(slots[i]);
      return i >= home ? i - home : i + slots.size() - home;
    }
  };
  static_assert(sizeof(Shard) == 16 || sizeof(void*) != 8);

  static LogEntry MakeEntry(const KeyHash& key);
  static Slot MakeSlot(const KeyHash& key, std::uint64_t seq);
  static std::size_t ShardOf(const LogEntry& entry);
  static bool HasKey(const LogEntry& entry);
  static void Place(Shard& shard, Slot slot);
  static void Grow(Shard& shard);
  static void Rebuild(Shard& shard, std::uint32_t capacity);
  std::uint64_t SeqOf(const Slot& slot) const;
  LogEntry& EntryOf(std::uint64_t seq) const;
  void Remove(std::uint64_t seq, LogEntry& entry);

  std::vector<Shard> shards_;
  std::deque<Chunk> chunks_;       // of consecutive kChunkEntries seqs each; empty where no seq of a chunk has a key
  std::uint64_t first_chunk_ = 0;  // chunks_.front() holds the seqs from first_chunk_ * kChunkEntries
  std::uint64_t oldest_seq_ = 0;   // no key has a smaller one
  std::uint64_t size_ = 0;
};

}  // namespace dedup
