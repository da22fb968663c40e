// The remembered keys in memory: exact answers, no stall, memory that follows the window.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "plugin/core/event/key.h"
#include "plugin/core/index/growing_memory.h"

namespace dedup {

/// Which keys are remembered, and the seq of each.
///
/// A hash table of 16-byte slots: 78 bits of the key's keyed hash, all of which are compared before a key counts as
/// seen (a new key beside 10^9 others is taken for one of them with a probability of 3 * 10^-15), its seq, and the
/// class of its window. Four slots are a bucket, one cache line, filled from its front; what does not fit goes to the
/// next bucket of its shard. So a look-up, of a known key as of an unknown one, waits for memory once.
///
/// The table is one piece of memory, cut into 8,192 shards of equal size, so where a key belongs is computed and
/// nothing else need be looked at. It grows by a sixth (doubles while it is small): from the last shard to the first,
/// one at a time, each is rebuilt further back, which takes some tens of microseconds at 10 M keys. This goes along
/// with the keys that come, so no insert stalls the broker.
///
/// Keys of one class are forgotten by their seq alone, at once; their slots are swept out, a shard at a time, when they
/// may be an eighth of all. Discarded: slots of 8 bytes with the rest of the hash in a log in order of seq (a known key
/// waits for memory twice), one table that is rebuilt as a whole (takes seconds), shards with memory of their own (not
/// in huge pages, and one more place to look at).
///
/// Limits: seqs are 1 to kSeqMax (five years at 100,000 events a second). Memory: 20 to 24 bytes a key, from five
/// million on. Threading: one thread, but for PrepareMemory.
class Index {
 public:
  static constexpr std::uint64_t kSeqMax = (std::uint64_t{1} << 44) - 1;
  /// Keys whose windows are equally long are a class; each class forgets by itself. Its number is below this.
  static constexpr std::size_t kClasses = 32;
  /// That of keys which are remembered for the plugin's own window.
  static constexpr std::uint8_t kPluginClass = 0;

  /// Asks for the memory that Find will look at; worth it where there is something else to do before.
  void Prefetch(const KeyHash& key) const;

  /// The seq under which the key is remembered.
  std::optional<std::uint64_t> Find(const KeyHash& key) const;

  /// Makes room for one key, so that the Insert that follows cannot fail. Within a class `seq` must be greater than all
  /// before; gaps are allowed. Errors: std::bad_alloc; std::length_error beyond kSeqMax. Nothing has changed then.
  void Reserve(const KeyHash& key, std::uint64_t seq);

  /// Makes room for so many keys and some more in an empty index, so that it does not grow while they come. Reserve
  /// each of them all the same. Errors: std::bad_alloc.
  void ReserveAll(std::uint64_t count);

  /// Remembers a key that Find does not know and that Reserve has made room for.
  void Insert(const KeyHash& key, std::uint64_t seq, std::uint8_t window_class = kPluginClass) noexcept;

  /// Forgets all keys of kPluginClass with a seq up to `seq`, which none of them that comes later may have. Costs
  /// nothing; their memory is for Sweep, and for the inserts that follow.
  void ForgetUpTo(std::uint64_t seq) {
    if (seq > forgotten_seqs_[kPluginClass]) forgotten_seqs_[kPluginClass] = seq;
  }
  /// The same for another class; `keys`: how many these are.
  void ForgetUpTo(std::uint64_t seq, std::uint8_t window_class, std::uint64_t keys) {
    if (seq > forgotten_seqs_[window_class]) forgotten_seqs_[window_class] = seq;
    forgotten_keys_ += keys;
  }
  /// Whether enough of the memory is taken by forgotten keys for Sweep to be worth it.
  bool wants_sweep() const;
  /// Sweeps a part of the table, some tens of microseconds.
  void Sweep() noexcept;

  /// Gets the memory that Insert will need next from the kernel, which may take it some milliseconds. To be called
  /// while keys come fast, from any one other thread.
  void PrepareMemory() { memory_.Prepare(); }

  /// Of the keys, with the forgotten ones that were not swept out yet.
  std::uint64_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t low;   // of the hash
    std::uint64_t rest;  // from above: kGoesOn, 5 bits of class, 14 of the hash (all 0: empty), 44 of seq
  };
  static constexpr std::uint32_t kBucketSlots = 4;
  struct Bucket {
    Slot slots[kBucketSlots];
  };
  // In a bucket's first slot: a key that belongs here, or before, stands further on. So its bucket is full, until the
  // shard is rebuilt.
  static constexpr std::uint64_t kGoesOn = std::uint64_t{1} << 63;
  static constexpr int kClassShift = 58;
  static constexpr int kHashShift = 44;
  static constexpr std::uint64_t kHashBits = std::uint64_t{0x3FFF} << kHashShift;
  static_assert(kSeqMax == (std::uint64_t{1} << kHashShift) - 1 && kClasses == std::size_t{1} << (63 - kClassShift));
  static constexpr std::uint32_t kShards = 1 << 13;

  struct Shard {
    Bucket* buckets;
    std::uint32_t bucket_count;

    // Where a key would be if it were alone.
    std::uint32_t HomeOf(const Slot& slot) const {
      return static_cast<std::uint32_t>((slot.low & 0xFFFF'FFFF) * bucket_count >> 32);
    }
    std::uint32_t Next(std::uint32_t bucket) const { return bucket + 1 == bucket_count ? 0 : bucket + 1; }
  };

  // Shards are rebuilt one after the other: to grow, from the last to the first, to be rid of forgotten keys and
  // perhaps of room, from the first to the last. So none is ever in the way of another.
  enum class Round : std::uint8_t { kNone, kGrowing, kSweeping };

  static Slot MakeSlot(const KeyHash& key, std::uint64_t seq, std::uint8_t window_class);
  static bool IsTaken(const Slot& slot) { return (slot.rest & kHashBits) != 0; }
  static std::uint64_t SeqOf(const Slot& slot) { return slot.rest & kSeqMax; }
  bool IsForgotten(const Slot& slot) const {
    return SeqOf(slot) <= forgotten_seqs_[slot.rest >> kClassShift & (kClasses - 1)];
  }
  Shard ShardAt(std::uint32_t number, std::uint32_t bucket_count) const;
  Shard ShardOf(const Slot& slot) const;
  static bool HasRoom(const Shard& shard, const Slot& slot);
  static void Place(const Shard& shard, const Slot& slot);
  void PrepareRound();
  void GoOnWithRound() noexcept;
  void MakeRoom();
  void TakeRoom(std::uint32_t bucket_count);
  void BeginGrowing();
  void BeginSweeping() noexcept;
  void GrowInstead() noexcept;
  void RebuildNext() noexcept;
  void EndRound() noexcept;
  bool gives_back() const;
  bool may_be_forgotten() const;
  bool is_sparse() const;
  static std::size_t BytesFor(std::uint32_t bucket_count);
  static std::uint64_t FullSize(std::uint32_t bucket_count);

  GrowingMemory memory_;
  // Buckets a shard: of those before boundary_, and of the others.
  std::uint32_t bucket_count_before_ = 0;
  std::uint32_t bucket_count_behind_ = 0;
  std::uint32_t boundary_ = 0;
  Round round_ = Round::kNone;
  std::uint64_t round_credit_ = 0;
  // When it began; of no use when it does not visit all shards.
  std::uint64_t round_forgotten_seq_ = 0;
  std::uint64_t round_forgotten_keys_ = 0;
  std::size_t kept_bytes_ = 0;        // the table's, and what is ready for its growth; more is given back
  bool crowded_ = false;              // some shard could not be made smaller in this round
  std::vector<Slot> collected_;       // of the shard that is rebuilt
  std::vector<std::uint8_t> filled_;  // slots of its buckets

  std::uint64_t size_ = 0;
  std::uint64_t prepare_size_ = 0;    // there will soon be need for more memory
  std::uint64_t full_size_ = 0;       // the next round must begin
  std::uint64_t sparse_size_ = 0;     // with less, a smaller table would do
  std::uint64_t oldest_seq_ = 0;      // of kPluginClass: no slot has a smaller one
  std::uint64_t forgotten_keys_ = 0;  // of the other classes, as far as they were not swept out
  std::array<std::uint64_t, kClasses> forgotten_seqs_{};
};

}  // namespace dedup
