// Buckets for how long the journal's syncs took.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace dedup {

/// How long the journal's syncs took, those that succeeded, since the data directory was made.
struct SyncDurations {
  /// In seconds, of the buckets but the last; a bucket takes its bound in.
  static constexpr double kUpperBounds_s[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                              0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

  static std::size_t BucketOf(std::chrono::duration<double> took) {
    return static_cast<std::size_t>(std::ranges::lower_bound(kUpperBounds_s, took.count()) -
                                    std::begin(kUpperBounds_s));
  }

  std::uint64_t counts[std::size(kUpperBounds_s) + 1] = {};  ///< in each bucket alone
  std::uint64_t sum_us = 0;
};

}  // namespace dedup
