// The keys that a rule remembers while it only observes, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace dedup {

/// Each key for a window from its first message on; the oldest goes when there is no more room.
///
/// Keys stand in a ring in order of age, and in a hash table that is half full at most. Neither call ever allocates,
/// and none takes longer for what was remembered. Memory: kBytesPerKey each, touched as it is needed. Threading: one
/// thread.
class ObservedKeys {
 public:
  static constexpr std::size_t kBytesPerKey = 48;

  struct Key {
    std::uint64_t hash;  // 0: no key
    std::int64_t first_ms;
    std::uint64_t payload_mark;  ///< of the first message, as all below
    std::uint32_t topic_hash;
    std::uint32_t client_hash;
    std::uint32_t sample;  ///< its number (FirstSamples); 0: none
  };

  /// `keys_max`: a power of two. Errors: std::bad_alloc.
  ObservedKeys(std::size_t keys_max, std::int64_t window_ms);

  /// A key within its window; nullptr where there is none. Holds until the next Add.
  Key* Find(std::uint64_t hash, std::int64_t now_ms);
  /// Remembers a key that Find does not know, all but hash and first_ms zero. Ages must not fall.
  Key& Add(std::uint64_t hash, std::int64_t now_ms);

  std::size_t keys_max() const { return keys_max_; }
  std::size_t size() const { return size_; }
  /// How many went before their window was over, and the age of the one that went last; 0 where there was none.
  std::uint64_t forgotten_early() const { return forgotten_early_; }
  std::int64_t reach_ms() const { return reach_ms_; }

 private:
  static std::uint64_t Used(std::uint64_t hash) { return hash == 0 ? 1 : hash; }
  void Erase(Key& key);
  void ForgetOldest(std::int64_t now_ms);

  std::size_t keys_max_;
  std::int64_t window_ms_;
  std::unique_ptr<Key[]> ring_;
  std::vector<std::uint32_t> table_;  // 0, or a place in the ring and 1
  std::uint64_t added_ = 0;
  std::uint64_t removed_ = 0;  // the first ones, of those that were added
  std::size_t size_ = 0;
  std::uint64_t forgotten_early_ = 0;
  std::int64_t reach_ms_ = 0;
};

}  // namespace dedup
