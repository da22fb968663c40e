#include "plugin/core/start/seq_ranges.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>

namespace dedup {
namespace {

TEST(SeqRangesTest, IsASet) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    SeqRanges ranges[2];
    std::set<std::uint64_t> sets[2];
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t seq = random() % 80;
      const auto which = random() % 2;
      ranges[which].Add(seq);
      sets[which].insert(seq);
    }
    const SeqRanges rest = ranges[0].Without(ranges[1]);
    std::uint64_t rest_count = 0;
    for (std::uint64_t seq = 0; seq < 82; ++seq) {
      EXPECT_EQ(ranges[0].Contains(seq), sets[0].contains(seq));
      EXPECT_EQ(rest.Contains(seq), sets[0].contains(seq) && !sets[1].contains(seq));
      rest_count += rest.Contains(seq);
    }
    EXPECT_EQ(ranges[0].count(), sets[0].size());
    EXPECT_EQ(rest.count(), rest_count);
    EXPECT_EQ(rest.empty(), rest_count == 0);
  }
}

}  // namespace
}  // namespace dedup
