#include "plugin/core/observe/duration_counts.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace dedup {
namespace {

TEST(DurationCountsTest, NothingIsZero) {
  const DurationCounts counts;
  EXPECT_EQ(counts.count(), 0u);
  EXPECT_EQ(counts.Percentile_ms(50), 0u);
  EXPECT_EQ(counts.Percentile_ms(99), 0u);
  EXPECT_EQ(counts.max_ms(), 0u);
}

TEST(DurationCountsTest, APercentileIsNeverTooSmallAndAtMostAnEighthTooLarge) {
  for (std::int64_t duration_ms = 0; duration_ms < std::int64_t{1} << 40; duration_ms += 1 + duration_ms / 3) {
    DurationCounts counts;
    counts.Add(duration_ms);
    counts.Add(INT64_MAX);  // so that the largest duration bounds nothing
    const auto exact = static_cast<std::uint64_t>(duration_ms);
    EXPECT_GE(counts.Percentile_ms(50), exact);
    EXPECT_LE(counts.Percentile_ms(50), exact + exact / 8) << duration_ms;
  }
}

TEST(DurationCountsTest, TellsWhatMostAreBelow) {
  DurationCounts counts;
  for (int i = 0; i < 98; ++i) counts.Add(10);
  counts.Add(5000);
  counts.Add(60'000);
  EXPECT_EQ(counts.Percentile_ms(50), 10u);
  EXPECT_NEAR(static_cast<double>(counts.Percentile_ms(99)), 5000, 5000.0 / 8);
  EXPECT_EQ(counts.Percentile_ms(100), 60'000u);
  EXPECT_EQ(counts.max_ms(), 60'000u);
}

TEST(DurationCountsTest, ANegativeOneIsNone) {
  DurationCounts counts;
  counts.Add(-5);
  EXPECT_EQ(counts.count(), 1u);
  EXPECT_EQ(counts.max_ms(), 0u);
}

}  // namespace
}  // namespace dedup
