#include "http_sidecar/history/history.h"

#include <gtest/gtest.h>

#include <memory>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HistoryTest : public testing::Test {
 protected:
  static History::Time At(milliseconds time) { return History::Time(std::chrono::hours(1000)) + time; }
  void Add(milliseconds time, std::uint64_t events, std::uint64_t duplicates = 0) {
    Reading reading{.events = events, .duplicates = duplicates, .refused = events / 10};
    reading.publishes[2] = events;
    reading.syncs[16] = duplicates;
    history_.Add(At(time), reading);
  }
  void AddNothing(milliseconds time) { history_.Add(At(time), std::nullopt); }
  HistoryRange Read(milliseconds now, seconds step, std::size_t steps) const {
    return history_.Read(At(now), step, steps);
  }

  History history_;
};

TEST_F(HistoryTest, WhatCameBetweenReadingsIsInItsStep) {
  Add(seconds(0), 100, 10);
  Add(seconds(1), 110, 15);
  Add(seconds(2), 140, 15);
  const HistoryRange range = Read(seconds(2), seconds(1), 3);
  ASSERT_EQ(range.steps.size(), 3u);
  EXPECT_EQ(range.steps[0].known_s, 0);
  EXPECT_EQ(range.steps[1].known_s, 1);
  EXPECT_EQ(range.steps[1].events, 10);
  EXPECT_EQ(range.steps[1].duplicates, 5);
  EXPECT_EQ(range.steps[1].refused, 1);
  EXPECT_EQ(range.steps[2].events, 30);
  EXPECT_EQ(range.steps[2].duplicates, 0);
  EXPECT_EQ(range.publishes[2], 40u);
  EXPECT_EQ(range.syncs[16], 5u);
}

TEST_F(HistoryTest, WhatSpansSeveralStepsIsSpreadOverThem) {
  Add(milliseconds(500), 0);
  Add(milliseconds(2500), 20);  // nobody read for two seconds
  const HistoryRange range = Read(seconds(3), seconds(1), 3);
  const double expected_s[] = {0.5, 1, 0.5};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(range.steps[i].known_s, expected_s[i], 1e-9) << i;
    EXPECT_NEAR(range.steps[i].events, 10 * expected_s[i], 1e-9) << i;
  }
}

TEST_F(HistoryTest, TheRangesBeginCutsWhatIsBefore) {
  Add(seconds(0), 0);
  Add(seconds(4), 40);
  const HistoryRange range = Read(seconds(4), seconds(1), 2);
  EXPECT_NEAR(range.steps[0].events, 10, 1e-9);
  EXPECT_NEAR(range.steps[1].events, 10, 1e-9);
}

TEST_F(HistoryTest, WithoutAReadingNothingIsKnown) {
  Add(seconds(0), 0);
  Add(seconds(1), 10);
  AddNothing(seconds(2));
  Add(seconds(3), 1000);  // since when is not known
  Add(seconds(4), 1005);
  const HistoryRange range = Read(seconds(4), seconds(1), 4);
  EXPECT_EQ(range.steps[0].events, 10);
  EXPECT_EQ(range.steps[1].known_s, 0);
  EXPECT_EQ(range.steps[2].known_s, 0);
  EXPECT_EQ(range.steps[3].events, 5);
}

TEST_F(HistoryTest, CountersOfAnotherDirectoryAreNoDifference) {
  Add(seconds(0), 100, 50);
  Add(seconds(1), 90, 60);
  Add(seconds(2), 200, 55);
  Add(seconds(3), 201, 55);
  const HistoryRange range = Read(seconds(3), seconds(1), 3);
  EXPECT_EQ(range.steps[0].known_s, 0);
  EXPECT_EQ(range.steps[1].known_s, 0);
  EXPECT_EQ(range.steps[2].events, 1);
}

TEST_F(HistoryTest, ItReachesBackAnHourAndNoFurther) {
  for (int second = 0; second <= 2 * 3600; ++second) Add(seconds(second), static_cast<std::uint64_t>(second));
  const HistoryRange range = Read(seconds(2 * 3600), seconds(24), 300);
  for (std::size_t i = 0; i < 149; ++i) EXPECT_EQ(range.steps[i].known_s, 0) << i;
  for (std::size_t i = 150; i < 300; ++i) EXPECT_NEAR(range.steps[i].events, 24, 1e-6) << i;
}

TEST_F(HistoryTest, ItsMemoryIsBounded) {
  for (std::uint64_t i = 0; i <= 3 * History::kPartsMax; ++i) Add(milliseconds(i), i);
  const HistoryRange range = Read(milliseconds(3 * History::kPartsMax), seconds(60), 1);
  EXPECT_NEAR(range.steps[0].events, static_cast<double>(History::kPartsMax), 1e-6);
}

TEST_F(HistoryTest, AClockThatStandsStillDividesByNothing) {
  Add(seconds(1), 0);
  Add(seconds(1), 10);
  Add(seconds(2), 15);
  EXPECT_EQ(Read(seconds(2), seconds(1), 2).steps[1].events, 5);
}

}  // namespace
}  // namespace dedup::sidecar
