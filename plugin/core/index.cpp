#include "index.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace dedup {
namespace {

constexpr std::size_t kShards = 1 << 11;
constexpr std::uint32_t kShardCapacityMin = 8;
constexpr std::uint32_t kSlotsPerPage = 512;  // of a ZeroedArray
constexpr std::uint64_t kSpanMax = std::uint64_t{1} << 32;

// Fuller, an insert must move many slots; emptier, memory is wasted.
bool IsFull(std::uint32_t used, std::uint32_t capacity) { return used >= capacity - capacity / 8; }

}  // namespace

Index::Index() : shards_(kShards) {}

Index::LogEntry Index::MakeEntry(const KeyHash& key) {
  LogEntry entry{{static_cast<std::uint32_t>(key.high), static_cast<std::uint32_t>(key.low),
                  static_cast<std::uint32_t>(key.low >> 32)}};
  if (!HasKey(entry)) entry.words[2] = 1;
  return entry;
}

Index::Slot Index::MakeSlot(const KeyHash& key, std::uint64_t seq) {
  const auto tag = static_cast<std::uint16_t>(key.high >> 48);
  return {.seq_low = static_cast<std::uint32_t>(seq),
          .home = static_cast<std::uint16_t>(key.low >> 16),
          .tag = tag == 0 ? std::uint16_t{1} : tag};
}

bool Index::HasKey(const LogEntry& entry) { return (entry.words[0] | entry.words[1] | entry.words[2]) != 0; }

std::size_t Index::ShardOf(const LogEntry& entry) { return entry.words[0] % kShards; }

std::uint64_t Index::SeqOf(const Slot& slot) const {
  return oldest_seq_ + static_cast<std::uint32_t>(slot.seq_low - static_cast<std::uint32_t>(oldest_seq_));
}

Index::LogEntry& Index::EntryOf(std::uint64_t seq) const {
  return chunks_[seq / kChunkEntries - first_chunk_][seq % kChunkEntries];
}

void Index::Prefetch(const KeyHash& key) const {
  const Shard& shard = shards_[ShardOf(MakeEntry(key))];
  if (shard.used != 0) __builtin_prefetch(&shard.slots[shard.Home(MakeSlot(key, 0))]);
}

std::optional<std::uint64_t> Index::Find(const KeyHash& key) const {
  const LogEntry entry = MakeEntry(key);
  const Shard& shard = shards_[ShardOf(entry)];
  if (shard.used == 0) return std::nullopt;
  const Slot wanted = MakeSlot(key, 0);
  std::uint32_t i = shard.Home(wanted);
  // Behind a slot that stands nearer to its home than this key would, the key cannot be.
  for (std::uint32_t distance = 0;; ++distance, i = shard.Next(i)) {
    const Slot& slot = shard.slots[i];
    if (slot.tag == 0 || shard.Distance(i) < distance) return std::nullopt;
    if (slot.tag == wanted.tag && slot.home == wanted.home) {
      const std::uint64_t seq = SeqOf(slot);
      if (std::memcmp(&EntryOf(seq), &entry, sizeof entry) == 0) return seq;
    }
  }
}

void Index::Reserve(const KeyHash& key, std::uint64_t seq) {
  if (size_ == 0) {
    // Nothing points into the log: it may begin anywhere.
    chunks_.clear();
    oldest_seq_ = seq;
    first_chunk_ = seq / kChunkEntries;
  }
  if (seq - oldest_seq_ >= kSpanMax) throw std::length_error("the index spans at most 2^32 seqs");
  const std::uint64_t chunk = seq / kChunkEntries - first_chunk_;
  if (chunks_.size() <= chunk) chunks_.resize(chunk + 1);
  if (chunks_[chunk].empty()) chunks_[chunk] = Chunk(kChunkEntries);
  Shard& shard = shards_[ShardOf(MakeEntry(key))];
  if (IsFull(shard.used, shard.slots.size())) Grow(shard);
}

void Index::Insert(const KeyHash& key, std::uint64_t seq) noexcept {
  LogEntry& entry = EntryOf(seq);
  entry = MakeEntry(key);
  Shard& shard = shards_[ShardOf(entry)];
  Place(shard, MakeSlot(key, seq));
  ++shard.used;
  ++size_;
}

void Index::Place(Shard& shard, Slot slot) {
  std::uint32_t i = shard.Home(slot);
  for (std::uint32_t distance = 0; shard.slots[i].tag != 0; ++distance, i = shard.Next(i)) {
    const std::uint32_t other_distance = shard.Distance(i);
    if (other_distance > distance || (other_distance == distance && shard.slots[i].home <= slot.home)) continue;
    // Here it belongs; whoever stood here looks for a place further on.
    std::swap(slot, shard.slots[i]);
    distance = other_distance;
  }
  shard.slots[i] = slot;
}

void Index::Grow(Shard& shard) {
  const std::uint32_t capacity = shard.slots.size();
  if (capacity == 0) {
    Rebuild(shard, kShardCapacityMin);
  } else {
    // Memory counts once there are many pages of it; before, what counts is that a key is seldom moved.
    Rebuild(shard, capacity < 2 * kSlotsPerPage ? 2 * capacity : capacity + capacity / 6);
  }
}

void Index::Rebuild(Shard& shard, std::uint32_t capacity) {
  static_assert(kSlotsPerPage * sizeof(Slot) == ZeroedArray<Slot>::kPageBytes);
  if (capacity > kSlotsPerPage) capacity = (capacity + kSlotsPerPage - 1) / kSlotsPerPage * kSlotsPerPage;
  Shard other;
  other.slots = ZeroedArray<Slot>(capacity);
  other.used = shard.used;
  // The slots stand in the order of their homes, but for those that ran over the end, so each goes behind the last.
  std::uint32_t next = 0;
  const auto move = [&](const Slot& slot) {
    if (slot.tag == 0) return;
    const std::uint32_t at = std::max(other.Home(slot), next);
    if (at < capacity) {
      other.slots[at] = slot;
    } else {
      Place(other, slot);
    }
    next = at + 1;
  };
  const std::uint32_t size = shard.slots.size();
  std::uint32_t first = 0;
  while (first < size && shard.slots[first].tag != 0 && shard.Home(shard.slots[first]) > first) ++first;
  for (std::uint32_t i = first; i < size; ++i) move(shard.slots[i]);
  for (std::uint32_t i = 0; i < first; ++i) move(shard.slots[i]);
  shard = std::move(other);
}

void Index::Forget(std::uint64_t seq) { Remove(seq, EntryOf(seq)); }

bool Index::ForgetUpTo(std::uint64_t seq, std::size_t steps_max) {
  for (std::size_t step = 0; size_ != 0 && oldest_seq_ <= seq; ++step) {
    if (step == steps_max) return false;
    const Chunk& chunk = chunks_.front();
    std::uint64_t next = oldest_seq_ + 1;
    if (chunk.empty()) {
      next = (first_chunk_ + 1) * kChunkEntries;
    } else if (LogEntry& entry = chunk[oldest_seq_ % kChunkEntries]; HasKey(entry)) {
      Remove(oldest_seq_, entry);
    }
    oldest_seq_ = next;
    if (oldest_seq_ / kChunkEntries != first_chunk_) {
      chunks_.pop_front();
      ++first_chunk_;
    }
  }
  return true;
}

void Index::Remove(std::uint64_t seq, LogEntry& entry) {
  Shard& shard = shards_[ShardOf(entry)];
  const auto seq_low = static_cast<std::uint32_t>(seq);
  std::uint32_t hole = shard.Home({.seq_low = 0, .home = static_cast<std::uint16_t>(entry.words[1] >> 16), .tag = 0});
  while (shard.slots[hole].seq_low != seq_low || shard.slots[hole].tag == 0) hole = shard.Next(hole);
  // Those behind move up, so a search may stop at an empty slot.
  for (std::uint32_t i = shard.Next(hole); shard.slots[i].tag != 0 && shard.Distance(i) != 0; i = shard.Next(i)) {
    shard.slots[hole] = shard.slots[i];
    hole = i;
  }
  shard.slots[hole].tag = 0;
  entry = {};
  --shard.used;
  --size_;
  if (shard.used == 0) {
    shard = Shard{};
  } else if (shard.used < shard.slots.size() / 3 && shard.slots.size() > kShardCapacityMin) {
    try {
      Rebuild(shard, shard.used + shard.used / 2 + kShardCapacityMin);
    } catch (const std::bad_alloc&) {
      // It stays as large as it is; a later removal tries again.
    }
  }
}

}  // namespace dedup
