#include "plugin/core/observe/observed_keys.h"

namespace dedup {
namespace {

// At each new key, so that those beyond their window do not stay for long.
constexpr int kForgottenAtOnce = 2;

}  // namespace

ObservedKeys::ObservedKeys(std::size_t keys_max, std::int64_t window_ms)
    : keys_max_(keys_max),
      window_ms_(window_ms),
      ring_(std::make_unique_for_overwrite<Key[]>(keys_max)),
      table_(2 * keys_max) {
  static_assert(sizeof(Key) + 2 * sizeof table_[0] == kBytesPerKey);
}

ObservedKeys::Key* ObservedKeys::Find(std::uint64_t hash, std::int64_t now_ms) {
  hash = Used(hash);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    Key& key = ring_[table_[slot] - 1];
    if (key.hash != hash) continue;
    if (now_ms - key.first_ms < window_ms_) return &key;
    Erase(key);
    return nullptr;
  }
  return nullptr;
}

ObservedKeys::Key& ObservedKeys::Add(std::uint64_t hash, std::int64_t now_ms) {
  for (int i = 0; i < kForgottenAtOnce && removed_ != added_; ++i) {
    const Key& oldest = ring_[removed_ & (keys_max_ - 1)];
    if (oldest.hash != 0 && now_ms - oldest.first_ms < window_ms_) break;
    ForgetOldest(now_ms);
  }
  if (added_ - removed_ == keys_max_) ForgetOldest(now_ms);
  const std::size_t place = added_++ & (keys_max_ - 1);
  Key& key = ring_[place];
  key = {.hash = Used(hash), .first_ms = now_ms, .payload_mark = 0, .topic_hash = 0, .client_hash = 0, .sample = 0};
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = key.hash & mask;
  while (table_[slot] != 0) slot = (slot + 1) & mask;
  table_[slot] = static_cast<std::uint32_t>(place + 1);
  ++size_;
  return key;
}

void ObservedKeys::ForgetOldest(std::int64_t now_ms) {
  Key& oldest = ring_[removed_++ & (keys_max_ - 1)];
  if (oldest.hash == 0) return;
  if (const std::int64_t age_ms = now_ms - oldest.first_ms; age_ms < window_ms_) {
    ++forgotten_early_;
    reach_ms_ = age_ms;
  }
  Erase(oldest);
}

// Out of the table, and what stands behind it there moves up, so that no search ends at the gap.
void ObservedKeys::Erase(Key& key) {
  const std::size_t mask = table_.size() - 1;
  const auto place = static_cast<std::uint32_t>(&key - ring_.get() + 1);
  std::size_t gap = key.hash & mask;
  while (table_[gap] != place) gap = (gap + 1) & mask;
  for (std::size_t slot = (gap + 1) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t home = ring_[table_[slot] - 1].hash & mask;
    const bool reaches_gap = ((slot - home) & mask) >= ((slot - gap) & mask);
    if (!reaches_gap) continue;
    table_[gap] = table_[slot];
    gap = slot;
  }
  table_[gap] = 0;
  key.hash = 0;
  --size_;
}

}  // namespace dedup
