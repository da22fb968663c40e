// What was found out about topics, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace dedup {

/// A number for each of the topics that came last, compared byte by byte.
///
/// Limits: kTopicsMax topics and kTextBytesMax bytes of them; when there is no more room, all are forgotten and come
/// back as they are asked for. So memory stays below 6 MiB, and nothing has to be kept in order of use.
/// Threading: one thread. Errors: std::bad_alloc, from Add alone.
class TopicCache {
 public:
  static constexpr std::size_t kTopicsMax = 65'536;
  static constexpr std::size_t kTextBytesMax = std::size_t{4} << 20;

  /// The seed is to be a secret, or topics could be chosen that are slow to find.
  explicit TopicCache(std::uint64_t seed) : seed_(seed) {}

  std::optional<std::uint16_t> Find(std::string_view topic) const {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t hash = HashOf(topic);
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.text == nullptr) return std::nullopt;
      if (slot.hash == hash && std::string_view(slot.text, slot.size) == topic) return slot.number;
    }
  }

  /// Remembers the number of a topic of at most 65,535 bytes that Find does not know.
  void Add(std::string_view topic, std::uint16_t number);
  void Clear();

 private:
  struct Slot {
    const char* text = nullptr;  // nullptr: empty
    std::uint32_t hash = 0;
    std::uint16_t size = 0;
    std::uint16_t number = 0;
  };
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

  std::uint32_t HashOf(std::string_view topic) const;
  void Grow();
  void Place(const Slot& slot);
  const char* Keep(std::string_view topic);

  std::uint64_t seed_;
  std::vector<Slot> slots_;  // a hash table, half full at most
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;  // of topics' texts
  std::size_t chunk_used_ = kChunkBytes;         // of the last one
};

}  // namespace dedup
