#include "plugin/core/observe/duplicate_counts.h"

#include <gtest/gtest.h>

#include <memory>

namespace dedup {
namespace {

class DuplicateCountsTest : public testing::Test {
 protected:
  void Process(std::uint64_t seq) { counts_->Note({Verdict::kProcessed, seq}); }
  void Duplicate(std::uint64_t seq) { counts_->Note({Verdict::kDuplicate, seq}); }
  /// -1 for an event that is not among the latest.
  std::int64_t Of(std::uint64_t seq) const {
    const auto count = counts_->Of(seq);
    return count ? static_cast<std::int64_t>(count->duplicates) : -1;
  }

  std::unique_ptr<DuplicateCounts> counts_ = std::make_unique<DuplicateCounts>();
};

TEST_F(DuplicateCountsTest, DuplicatesOfEachEventAreCounted) {
  counts_->Begin(0);
  Process(1);
  Process(2);
  Duplicate(1);
  Process(3);
  Duplicate(1);
  Duplicate(3);
  EXPECT_EQ(Of(1), 2);
  EXPECT_EQ(Of(2), 0);
  EXPECT_EQ(Of(3), 1);
  EXPECT_EQ(Of(4), -1);
  EXPECT_EQ(Of(0), -1);
  EXPECT_TRUE(counts_->Of(1)->is_exact);
}

TEST_F(DuplicateCountsTest, OthersThanEventsAreNone) {
  counts_->Begin(1);
  counts_->Note({Verdict::kPassed, 0});
  counts_->Note({Verdict::kRefused, 0});
  EXPECT_EQ(Of(1), 0);
  EXPECT_EQ(Of(0), -1);
}

TEST_F(DuplicateCountsTest, OfEventsFromBeforeThereMayHaveBeenMore) {
  counts_->Begin(10);
  Duplicate(10);
  Duplicate(10);
  Process(11);
  Duplicate(11);
  EXPECT_EQ(Of(10), 2);
  EXPECT_FALSE(counts_->Of(10)->is_exact);
  EXPECT_EQ(Of(11), 1);
  EXPECT_TRUE(counts_->Of(11)->is_exact);
}

TEST_F(DuplicateCountsTest, ACopyInTheFirstsPlaceIsNoDuplicate) {
  counts_->Begin(10);
  Process(11);
  Process(10);  // it was in doubt
  Duplicate(10);
  EXPECT_EQ(Of(10), 1);
  EXPECT_EQ(Of(11), 0);
}

TEST_F(DuplicateCountsTest, TheLatestTakeThePlacesOfTheOldest) {
  counts_->Begin(0);
  for (std::uint64_t seq = 1; seq <= DuplicateCounts::kEvents; ++seq) {
    Process(seq);
    Duplicate(seq);
  }
  EXPECT_EQ(Of(1), 1);
  Process(DuplicateCounts::kEvents + 1);
  EXPECT_EQ(Of(1), -1);
  EXPECT_EQ(Of(2), 1);
  EXPECT_EQ(Of(DuplicateCounts::kEvents + 1), 0);
  Duplicate(1);  // too old to count
  EXPECT_EQ(Of(DuplicateCounts::kEvents + 1), 0);
}

TEST_F(DuplicateCountsTest, EventsThatWereAcceptedWithoutAVerdictInheritNothing) {
  counts_->Begin(0);
  Process(1);
  Duplicate(1);
  Process(DuplicateCounts::kEvents + 3);  // those between were accepted, and refused for want of a sync
  EXPECT_EQ(Of(1), -1);
  EXPECT_EQ(Of(DuplicateCounts::kEvents + 1), 0);
  Duplicate(DuplicateCounts::kEvents + 5);
  EXPECT_EQ(Of(DuplicateCounts::kEvents + 5), 1);
  EXPECT_EQ(Of(DuplicateCounts::kEvents + 4), 0);
  Process(3 * DuplicateCounts::kEvents);
  for (std::uint64_t seq = 2 * DuplicateCounts::kEvents + 1; seq <= 3 * DuplicateCounts::kEvents; ++seq) {
    ASSERT_EQ(Of(seq), 0) << seq;
  }
}

}  // namespace
}  // namespace dedup
