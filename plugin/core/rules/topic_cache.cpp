#include "plugin/core/rules/topic_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugin/core/event/sip_hash.h"

namespace dedup {
namespace {

constexpr std::size_t kSlotsMin = 256;
constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;

// Both halves of the product.
std::uint64_t Fold(std::uint64_t a) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * kMultiplier;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

// A few ns, where SipHash would take as long as all else together; no topic is taken for another by its hash alone.
std::uint32_t TopicCache::HashOf(std::string_view topic) const {
  std::uint64_t hash = seed_ ^ topic.size();
  for (; topic.size() >= sizeof hash; topic.remove_prefix(sizeof hash)) {
    std::uint64_t word;
    std::memcpy(&word, topic.data(), sizeof word);
    hash = Fold(hash ^ word);
  }
  hash = Fold(hash ^ SipHash128::LoadShort(topic));
  return static_cast<std::uint32_t>(Fold(hash ^ seed_));
}

void TopicCache::Add(std::string_view topic, std::uint16_t number) {
  if (size_ == kTopicsMax) Clear();
  if (2 * (size_ + 1) > slots_.size()) Grow();
  const char* const text = Keep(topic);
  Place({text, HashOf(topic), static_cast<std::uint16_t>(topic.size()), number});
  ++size_;
}

void TopicCache::Clear() {
  std::ranges::fill(slots_, Slot{});
  size_ = 0;
  chunks_.clear();
  chunk_used_ = kChunkBytes;
}

void TopicCache::Grow() {
  std::vector<Slot> slots(std::max(kSlotsMin, 2 * slots_.size()));
  slots_.swap(slots);
  for (const Slot& slot : slots) {
    if (slot.text != nullptr) Place(slot);
  }
}

void TopicCache::Place(const Slot& slot) {
  std::size_t i = slot.hash & (slots_.size() - 1);
  while (slots_[i].text != nullptr) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = slot;
}

const char* TopicCache::Keep(std::string_view topic) {
  if (topic.size() > kChunkBytes - chunk_used_) {
    if (chunks_.size() == kTextBytesMax / kChunkBytes) Clear();
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
    chunk_used_ = 0;
  }
  char* const text = chunks_.back().get() + chunk_used_;
  std::memcpy(text, topic.data(), topic.size());
  chunk_used_ += topic.size();
  return text;
}

}  // namespace dedup
