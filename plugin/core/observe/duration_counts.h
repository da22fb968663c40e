// Durations counted by their size, for their percentiles.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dedup {

/// Percentiles are at most an eighth too large, never too small, and never above the largest duration. Memory: 2.5 KB.
class DurationCounts {
 public:
  /// Negative ones count as 0, those of more than 70 years as that.
  void Add(std::int64_t duration_ms) noexcept {
    const std::uint64_t ms =
        std::min<std::uint64_t>(duration_ms < 0 ? 0 : static_cast<std::uint64_t>(duration_ms), kMax);
    ++counts_[BucketOf(ms)];
    ++count_;
    max_ms_ = std::max(max_ms_, ms);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max_ms() const { return max_ms_; }

  /// So many percent of the durations are not longer than this; 0 where there is none.
  std::uint64_t Percentile_ms(std::uint64_t percent) const {
    const std::uint64_t wanted = (count_ * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += counts_[bucket];
      if (seen >= wanted && seen != 0) return std::min(max_ms_, LargestOf(bucket));
    }
    return max_ms_;
  }

 private:
  // Eight buckets for each power of two.
  static constexpr int kSteps = 3;
  static constexpr int kPowers = 41;
  static constexpr std::uint64_t kMax = (std::uint64_t{1} << kPowers) - 1;
  static constexpr std::size_t kBuckets = (kPowers - kSteps + 1) << kSteps;

  static std::size_t BucketOf(std::uint64_t ms) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(ms)) - kSteps - 1);
    return (static_cast<std::size_t>(shift) << kSteps) + static_cast<std::size_t>(ms >> shift);
  }
  static std::uint64_t LargestOf(std::size_t bucket) {
    if (bucket < 2 << kSteps) return bucket;
    const auto shift = static_cast<int>(bucket >> kSteps) - 1;
    const std::uint64_t step = (bucket & ((1 << kSteps) - 1)) | 1 << kSteps;
    return ((step + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ms_ = 0;
};

}  // namespace dedup
