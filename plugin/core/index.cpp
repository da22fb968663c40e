#include "index.h"

#include <cstring>
#include <stdexcept>

namespace dedup {
namespace {

constexpr std::size_t kShards = 1 << 14;
constexpr std::uint32_t kShardCapacityMin = 8;
constexpr std::uint64_t kSpanMax = std::uint64_t{1} << 32;

// Slots fill to seven eighths: fuller, a search for an absent key grows long; emptier, memory is wasted.
bool IsFull(std::uint32_t used, std::uint32_t capacity) { return used >= capacity - capacity / 8; }

}  // namespace

Index::Index() : shards_(kShards) {}

Index::LogEntry Index::MakeEntry(const KeyHash& key) {
  LogEntry entry{{static_cast<std::uint32_t>(key.high), static_cast<std::uint32_t>(key.low),
                  static_cast<std::uint32_t>(key.low >> 32)}};
  if (!HasKey(entry)) entry.words[2] = 1;
  return entry;
}

std::uint16_t Index::MakeTag(const KeyHash& key) {
  const auto tag = static_cast<std::uint16_t>(key.high >> 48);
  return tag == 0 ? 1 : tag;
}

bool Index::HasKey(const LogEntry& entry) { return (entry.words[0] | entry.words[1] | entry.words[2]) != 0; }

std::size_t Index::ShardOf(const LogEntry& entry) { return entry.words[0] % kShards; }

std::uint32_t Index::Home(const LogEntry& entry, std::uint32_t capacity) {
  return static_cast<std::uint32_t>((std::uint64_t{entry.words[1]} * capacity) >> 32);
}

std::uint64_t Index::SeqOf(const Slot& slot) const {
  std::uint32_t low;
  std::memcpy(&low, slot.seq_low, sizeof low);
  return oldest_seq_ + static_cast<std::uint32_t>(low - static_cast<std::uint32_t>(oldest_seq_));
}

Index::LogEntry& Index::EntryOf(std::uint64_t seq) const {
  return chunks_[seq / kChunkEntries - first_chunk_][seq % kChunkEntries];
}

std::optional<std::uint64_t> Index::Find(const KeyHash& key) const {
  const LogEntry entry = MakeEntry(key);
  const Shard& shard = shards_[ShardOf(entry)];
  if (shard.used == 0) return std::nullopt;
  const std::uint16_t tag = MakeTag(key);
  for (std::uint32_t i = Home(entry, shard.capacity);;) {
    const Slot& slot = shard.slots[i];
    if (slot.tag == 0) return std::nullopt;
    if (slot.tag == tag) {
      const std::uint64_t seq = SeqOf(slot);
      if (std::memcmp(&EntryOf(seq), &entry, sizeof entry) == 0) return seq;
    }
    if (++i == shard.capacity) i = 0;
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
  if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<LogEntry[]>(kChunkEntries);
  Shard& shard = shards_[ShardOf(MakeEntry(key))];
  if (shard.capacity == 0) {
    Rebuild(shard, kShardCapacityMin);
  } else if (IsFull(shard.used, shard.capacity)) {
    Rebuild(shard, shard.capacity + shard.capacity / 2);
  }
}

void Index::Insert(const KeyHash& key, std::uint64_t seq) noexcept {
  LogEntry& entry = EntryOf(seq);
  entry = MakeEntry(key);
  Slot slot{.tag = MakeTag(key), .seq_low = {}};
  const auto low = static_cast<std::uint32_t>(seq);
  std::memcpy(slot.seq_low, &low, sizeof low);
  Shard& shard = shards_[ShardOf(entry)];
  Place(shard, slot, entry);
  ++shard.used;
  ++size_;
}

void Index::Place(Shard& shard, const Slot& slot, const LogEntry& entry) {
  std::uint32_t i = Home(entry, shard.capacity);
  while (shard.slots[i].tag != 0) {
    if (++i == shard.capacity) i = 0;
  }
  shard.slots[i] = slot;
}

void Index::Rebuild(Shard& shard, std::uint32_t capacity) {
  constexpr std::uint32_t kAhead = 16;
  Shard bigger{.slots = std::make_unique<Slot[]>(capacity), .capacity = capacity, .used = shard.used};
  for (std::uint32_t i = 0; i < shard.capacity; ++i) {
    // The log entries lie at random places: ask for them before they are needed.
    if (i + kAhead < shard.capacity && shard.slots[i + kAhead].tag != 0) {
      __builtin_prefetch(&EntryOf(SeqOf(shard.slots[i + kAhead])));
    }
    const Slot& slot = shard.slots[i];
    if (slot.tag != 0) Place(bigger, slot, EntryOf(SeqOf(slot)));
  }
  shard = std::move(bigger);
}

void Index::Forget(std::uint64_t seq) { Remove(seq, EntryOf(seq)); }

bool Index::ForgetUpTo(std::uint64_t seq, std::size_t steps_max) {
  for (std::size_t step = 0; size_ != 0 && oldest_seq_ <= seq; ++step) {
    if (step == steps_max) return false;
    const Chunk& chunk = chunks_.front();
    std::uint64_t next = oldest_seq_ + 1;
    if (chunk == nullptr) {
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
  const auto next = [&shard](std::uint32_t i) { return i + 1 == shard.capacity ? 0 : i + 1; };
  std::uint32_t hole = Home(entry, shard.capacity);
  while (SeqOf(shard.slots[hole]) != seq || shard.slots[hole].tag == 0) hole = next(hole);
  // Slots behind the hole move up unless that would put them before their home, so a search may stop at an empty slot.
  for (std::uint32_t i = next(hole); shard.slots[i].tag != 0; i = next(i)) {
    const std::uint32_t home = Home(EntryOf(SeqOf(shard.slots[i])), shard.capacity);
    const bool home_is_behind_hole = hole <= i ? (hole < home && home <= i) : (hole < home || home <= i);
    if (home_is_behind_hole) continue;
    shard.slots[hole] = shard.slots[i];
    hole = i;
  }
  shard.slots[hole].tag = 0;
  entry = {};
  --shard.used;
  --size_;
  if (shard.used == 0) {
    shard = Shard{};
  } else if (shard.used < shard.capacity / 3 && shard.capacity > kShardCapacityMin) {
    try {
      Rebuild(shard, shard.used + shard.used / 2 + kShardCapacityMin);
    } catch (const std::bad_alloc&) {
      // It stays as large as it is; a later removal tries again.
    }
  }
}

}  // namespace dedup
