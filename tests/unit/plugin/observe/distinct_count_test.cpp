#include "plugin/core/observe/distinct_count.h"

#include <gtest/gtest.h>

#include <random>

namespace dedup {
namespace {

TEST(DistinctCountTest, CountsAValueOnce) {
  DistinctCount count;
  EXPECT_EQ(count.Estimate(), 0u);
  for (int i = 0; i < 1000; ++i) count.Add(12345);
  EXPECT_EQ(count.Estimate(), 1u);
}

TEST(DistinctCountTest, IsNearTheTruth) {
  std::mt19937 random(7);
  for (const unsigned distinct : {5U, 100U, 1000U, 10'000U}) {
    DistinctCount count;
    for (unsigned i = 0; i < distinct; ++i) count.Add(static_cast<std::uint32_t>(random()));
    EXPECT_NEAR(static_cast<double>(count.Estimate()), distinct, 1 + 0.06 * distinct);
  }
}

TEST(DistinctCountTest, EndsAtItsLimit) {
  std::mt19937 random(7);
  DistinctCount count;
  for (int i = 0; i < 500'000; ++i) count.Add(static_cast<std::uint32_t>(random()));
  EXPECT_GT(count.Estimate(), 30'000u);
  EXPECT_LT(count.Estimate(), 40'000u);
}

}  // namespace
}  // namespace dedup
