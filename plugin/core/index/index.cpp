#include "plugin/core/index/index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

namespace dedup {
namespace {

// Fuller, a search takes many buckets; emptier, memory is wasted.
constexpr double kFullShare = 13.0 / 16;

// A round is over when the table holds this part more than at its beginning.
constexpr std::uint64_t kRoundShare = 32;

// But that many buckets at once and no more, or a single shard: some tens of microseconds.
constexpr std::uint32_t kBucketsPerStep = 4096;

// Pages of 4 KiB take the kernel some 70 us a MiB.
constexpr std::size_t kBytesGivenBackPerStep = 4 << 20;

constexpr std::uint64_t kForgottenShare = 8;

// With fewer buckets a shard, what counts is that a key is seldom moved; with more, memory.
constexpr std::uint32_t kManyBuckets = 64;

std::uint32_t Grown(std::uint32_t bucket_count) {
  return bucket_count < kManyBuckets ? std::max(2 * bucket_count, 1U) : bucket_count + bucket_count / 6;
}

}  // namespace

Index::Slot Index::MakeSlot(const KeyHash& key, std::uint64_t seq, std::uint8_t window_class) {
  const std::uint64_t hash = key.high << kHashShift & kHashBits;
  return {
      .low = key.low,
      .rest = std::uint64_t{window_class} << kClassShift | (hash == 0 ? std::uint64_t{1} << kHashShift : hash) | seq};
}

Index::Shard Index::ShardAt(std::uint32_t number, std::uint32_t bucket_count) const {
  return {reinterpret_cast<Bucket*>(memory_.data()) + std::size_t{number} * bucket_count, bucket_count};
}

Index::Shard Index::ShardOf(const Slot& slot) const {
  const auto number = static_cast<std::uint32_t>(slot.low >> 51);
  static_assert(kShards == 1 << (64 - 51));
  return ShardAt(number, number < boundary_ ? bucket_count_before_ : bucket_count_behind_);
}

void Index::Prefetch(const KeyHash& key) const {
  const Slot wanted = MakeSlot(key, 0, kPluginClass);
  const Shard shard = ShardOf(wanted);
  const Bucket* const bucket = shard.buckets + shard.HomeOf(wanted);
  __builtin_prefetch(bucket);
  __builtin_prefetch(bucket + 1);
}

std::optional<std::uint64_t> Index::Find(const KeyHash& key) const {
  if (size_ == 0) return std::nullopt;
  const Slot wanted = MakeSlot(key, 0, kPluginClass);
  const Shard shard = ShardOf(wanted);
  for (std::uint32_t i = shard.HomeOf(wanted);; i = shard.Next(i)) {
    const Bucket& bucket = shard.buckets[i];
    for (const Slot& slot : bucket.slots) {
      if (slot.low != wanted.low || ((slot.rest ^ wanted.rest) & kHashBits) != 0) continue;
      // A forgotten one may stand before the one that came after it.
      if (!IsForgotten(slot)) return SeqOf(slot);
    }
    if ((bucket.slots[0].rest & kGoesOn) == 0) return std::nullopt;
  }
}

bool Index::HasRoom(const Shard& shard, const Slot& slot) {
  if (shard.bucket_count == 0) return false;
  const std::uint32_t home = shard.HomeOf(slot);
  std::uint32_t i = home;
  do {
    if (!IsTaken(shard.buckets[i].slots[kBucketSlots - 1])) return true;
    i = shard.Next(i);
  } while (i != home);
  return false;
}

void Index::Place(const Shard& shard, const Slot& slot) {
  std::uint32_t i = shard.HomeOf(slot);
  for (; IsTaken(shard.buckets[i].slots[kBucketSlots - 1]); i = shard.Next(i)) {
    shard.buckets[i].slots[0].rest |= kGoesOn;
  }
  Slot* to = shard.buckets[i].slots;
  while (IsTaken(*to)) ++to;
  *to = slot;
}

void Index::Reserve(const KeyHash& key, std::uint64_t seq) {
  if (seq > kSeqMax) throw std::length_error("the index takes seqs up to 2^44");
  if (size_ == 0) {
    oldest_seq_ = seq;
    round_forgotten_seq_ = forgotten_keys_ = round_forgotten_keys_ = 0;
  }
  if (round_ == Round::kNone) {
    try {
      PrepareRound();
    } catch (const std::bad_alloc&) {  // no reason to refuse what there is room for
    }
  } else {
    GoOnWithRound();
  }
  for (const Slot slot = MakeSlot(key, seq, kPluginClass); !HasRoom(ShardOf(slot), slot);) MakeRoom();
}

void Index::ReserveAll(std::uint64_t count) {
  std::uint32_t bucket_count = bucket_count_behind_;
  while (FullSize(bucket_count) < count + count / 16) ++bucket_count;
  TakeRoom(bucket_count);
  bucket_count_before_ = bucket_count_behind_ = bucket_count;
  EndRound();
}

void Index::Insert(const KeyHash& key, std::uint64_t seq, std::uint8_t window_class) noexcept {
  const Slot slot = MakeSlot(key, seq, window_class);
  Place(ShardOf(slot), slot);
  ++size_;
}

void Index::PrepareRound() {
  if (may_be_forgotten()) {
    BeginSweeping();
  } else if (size_ >= full_size_) {
    BeginGrowing();
  } else if (size_ >= prepare_size_) {
    kept_bytes_ = BytesFor(Grown(bucket_count_behind_));
    memory_.Grow(kept_bytes_);
  }
}

void Index::GoOnWithRound() noexcept {
  round_credit_ += kShards * kRoundShare;
  for (std::uint32_t buckets = 0; round_ != Round::kNone && round_credit_ >= size_ && buckets < kBucketsPerStep;
       buckets += bucket_count_behind_) {
    round_credit_ -= size_;
    RebuildNext();
  }
}

// Only chance, or a hash that is none, brings so many keys together.
void Index::MakeRoom() {
  if (round_ == Round::kNone) {
    BeginGrowing();
  } else if (round_ == Round::kSweeping) {
    GrowInstead();
  } else {
    RebuildNext();
  }
}

// For shards of so many buckets, in the table and beside it.
void Index::TakeRoom(std::uint32_t bucket_count) {
  memory_.Grow(BytesFor(bucket_count));
  collected_.resize(std::size_t{bucket_count} * kBucketSlots + 1);
  filled_.resize(bucket_count);
}

void Index::BeginGrowing() {
  const std::uint32_t bucket_count = Grown(bucket_count_behind_);
  TakeRoom(bucket_count);
  bucket_count_behind_ = bucket_count;
  round_ = Round::kGrowing;
  round_forgotten_seq_ = forgotten_seqs_[kPluginClass];
  round_forgotten_keys_ = forgotten_keys_;
  // At first there is nothing to be moved.
  boundary_ = bucket_count_before_ == 0 ? 0 : kShards;
  if (boundary_ == 0) EndRound();
}

void Index::BeginSweeping() noexcept {
  if (is_sparse()) {
    std::uint32_t bucket_count = 1;
    while (FullSize(bucket_count) < size_ + size_ / 8) bucket_count = Grown(bucket_count);
    bucket_count_before_ = bucket_count;
  }
  boundary_ = 0;
  round_ = Round::kSweeping;
  round_forgotten_seq_ = forgotten_seqs_[kPluginClass];
  round_forgotten_keys_ = forgotten_keys_;
}

// Those shards that were swept grow to the size of the others, if they are any smaller.
void Index::GrowInstead() noexcept {
  crowded_ = bucket_count_before_ < bucket_count_behind_;
  if (!crowded_) boundary_ = 0;
  round_ = Round::kGrowing;
  round_forgotten_seq_ = round_forgotten_keys_ = 0;
  if (boundary_ == 0) EndRound();
}

void Index::RebuildNext() noexcept {
  const bool growing = round_ == Round::kGrowing;
  const std::uint32_t number = growing ? boundary_ - 1 : boundary_;
  const Shard from = ShardAt(number, growing ? bucket_count_before_ : bucket_count_behind_);
  const Shard to = ShardAt(number, growing ? bucket_count_behind_ : bucket_count_before_);
  // Whether a slot is taken cannot be guessed, so each is copied, and written over by the next one if it is not.
  std::size_t keys = 0;
  std::size_t taken = 0;
  for (std::uint32_t i = 0; i < from.bucket_count; ++i) {
    for (const Slot& slot : from.buckets[i].slots) {
      collected_[keys] = {.low = slot.low, .rest = slot.rest & ~kGoesOn};
      const auto is_taken = static_cast<unsigned>(IsTaken(slot));
      taken += is_taken;
      keys += is_taken & static_cast<unsigned>(!IsForgotten(slot));
    }
  }
  if (keys > std::size_t{to.bucket_count} * kBucketSlots) {
    GrowInstead();
    return;
  }
  boundary_ = growing ? number : number + 1;
  size_ -= taken - keys;
  std::memset(static_cast<void*>(to.buckets), 0, std::size_t{to.bucket_count} * sizeof(Bucket));
  // As Place does; but how full a bucket is, is read and guessed much sooner beside the table.
  std::fill_n(filled_.begin(), to.bucket_count, std::uint8_t{0});
  for (std::size_t k = 0; k < keys; ++k) {
    std::uint32_t i = to.HomeOf(collected_[k]);
    for (; filled_[i] == kBucketSlots; i = to.Next(i)) to.buckets[i].slots[0].rest |= kGoesOn;
    to.buckets[i].slots[filled_[i]++] = collected_[k];
  }
  if (boundary_ == (growing ? 0 : kShards)) EndRound();
}

void Index::EndRound() noexcept {
  const std::uint32_t bucket_count = round_ == Round::kGrowing ? bucket_count_behind_ : bucket_count_before_;
  // What was made ready for the next growth stays: a window's peaks are much alike.
  kept_bytes_ = BytesFor(bucket_count < bucket_count_behind_ ? bucket_count : Grown(bucket_count));
  bucket_count_before_ = bucket_count_behind_ = bucket_count;
  round_ = Round::kNone;
  round_credit_ = 0;
  oldest_seq_ = std::max(oldest_seq_, round_forgotten_seq_ + 1);
  forgotten_keys_ -= std::min(forgotten_keys_, round_forgotten_keys_);
  full_size_ = FullSize(bucket_count);
  prepare_size_ = full_size_ - full_size_ / 32;
  sparse_size_ = crowded_ || bucket_count == 1 ? 0 : full_size_ / 4;
  crowded_ = false;
}

bool Index::wants_sweep() const {
  return gives_back() || round_ == Round::kSweeping || may_be_forgotten() || is_sparse();
}

void Index::Sweep() noexcept {
  if (gives_back()) {
    memory_.Shrink(std::max(kept_bytes_, memory_.bytes() - std::min(memory_.bytes(), kBytesGivenBackPerStep)));
    return;
  }
  if (!wants_sweep()) return;
  if (round_ == Round::kNone) BeginSweeping();
  for (std::uint32_t buckets = 0; round_ != Round::kNone && buckets < kBucketsPerStep;
       buckets += bucket_count_behind_) {
    RebuildNext();
  }
}

bool Index::gives_back() const {
  return round_ == Round::kNone && memory_.bytes() >= kept_bytes_ + GrowingMemory::kStepBytes;
}

bool Index::may_be_forgotten() const {
  if (size_ == 0) return false;
  const std::uint64_t forgotten_seq = forgotten_seqs_[kPluginClass];
  return (forgotten_seq >= oldest_seq_ && forgotten_seq - oldest_seq_ >= size_ / kForgottenShare) ||
         forgotten_keys_ > size_ / kForgottenShare;
}

bool Index::is_sparse() const { return round_ == Round::kNone && size_ < sparse_size_; }

std::size_t Index::BytesFor(std::uint32_t bucket_count) { return std::size_t{kShards} * bucket_count * sizeof(Bucket); }

// Keys do not spread evenly: the fewer a shard holds, the more room must be left for one with more than its share,
// which is seldom six times the root.
std::uint64_t Index::FullSize(std::uint32_t bucket_count) {
  const double slots = double{kBucketSlots} * bucket_count;
  const double root = std::sqrt(9 + slots) - 3;
  return static_cast<std::uint64_t>(kShards * std::min(kFullShare * slots, root * root));
}

}  // namespace dedup
