#include "plugin/core/index/windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "plugin/core/index/index.h"

namespace dedup {
namespace {

KeyHash KeyOf(std::uint64_t seq) { return {.high = seq * 0x9E3779B97F4A7C15, .low = seq * 0xBF58476D1CE4E5B9}; }

// Keys whose numbers are their seqs.
class WindowsTest : public testing::Test {
 protected:
  std::uint64_t Add(std::int64_t window_ms, std::int64_t accepted_ms) {
    const std::uint64_t seq = ++last_seq_;
    index_.Reserve(KeyOf(seq), seq);
    index_.Insert(KeyOf(seq), seq, class_ = windows_.Note(window_ms, seq, accepted_ms));
    return seq;
  }
  bool Knows(std::uint64_t seq, std::int64_t now_ms) {
    windows_.Forget(now_ms, &index_);
    return index_.Find(KeyOf(seq)) == seq;
  }
  void Sweep() {
    while (index_.wants_sweep()) index_.Sweep();
  }

  Index index_;
  Windows windows_;
  std::uint64_t last_seq_ = 0;
  std::uint8_t class_ = 0;
};

TEST_F(WindowsTest, AKeyIsRememberedForItsWindowAndNoLonger) {
  const std::uint64_t seq = Add(1000, 50'000);
  EXPECT_FALSE(windows_.empty());
  EXPECT_TRUE(Knows(seq, 51'000));
  EXPECT_FALSE(Knows(seq, 51'001));
  EXPECT_TRUE(windows_.empty());
}

TEST_F(WindowsTest, WindowsOfAllLengthsLiveTogether) {
  const std::uint64_t second = Add(1000, 0);
  const std::uint64_t plugins = Add(kPluginWindow, 0);
  EXPECT_EQ(class_, Index::kPluginClass);
  const std::uint64_t quarter = Add(900'000, 0);
  const std::uint64_t forever = Add(kForeverWindow, 0);
  const std::uint64_t next_second = Add(1000, 600);
  EXPECT_FALSE(Knows(second, 1500));
  EXPECT_TRUE(Knows(next_second, 1500));
  EXPECT_TRUE(Knows(quarter, 900'000));
  EXPECT_FALSE(Knows(next_second, 900'000));
  EXPECT_FALSE(Knows(quarter, 900'001));
  EXPECT_TRUE(Knows(forever, INT64_MAX));
  EXPECT_TRUE(Knows(plugins, INT64_MAX)) << "its end is somebody else's";
}

TEST_F(WindowsTest, NoKeyIsForgottenEarlyAndNoneMuchLater) {
  for (const std::int64_t window_ms : {100, 5000, 60'000, 3'600'000}) {
    index_ = Index();
    windows_ = Windows();
    const std::int64_t late_ms = std::max<std::int64_t>(10, window_ms / 100);
    const std::int64_t step_ms = std::max<std::int64_t>(1, window_ms / 1000);
    const std::uint64_t first = last_seq_ + 1;
    for (std::int64_t now_ms = 0; now_ms <= 3 * window_ms; now_ms += step_ms) {
      Add(window_ms, now_ms);
      windows_.Forget(now_ms, &index_);
      for (std::uint64_t seq = first; seq <= last_seq_; seq += 97) {
        const std::int64_t age_ms = now_ms - static_cast<std::int64_t>(seq - first) * step_ms;
        const bool is_known = index_.Find(KeyOf(seq)).has_value();
        ASSERT_TRUE(is_known || age_ms > window_ms) << window_ms << " " << age_ms;
        ASSERT_TRUE(!is_known || age_ms <= window_ms + late_ms) << window_ms << " " << age_ms;
      }
    }
    Sweep();
    EXPECT_LT(index_.size(), 1300U) << "memory follows the window";
  }
}

TEST_F(WindowsTest, AWindowThatWouldEndBehindAllTimeHasNoEnd) {
  const std::uint64_t seq = Add(INT64_MAX - 1, 1'000'000);
  EXPECT_TRUE(Knows(seq, INT64_MAX - 1));
}

TEST_F(WindowsTest, ALengthTooManySharesTheClassOfALongerOne) {
  for (std::int64_t number = 1; number <= 30; ++number) Add(1000 * number, 0);
  const std::uint64_t between = Add(7500, 0);
  EXPECT_TRUE(Knows(between, 8000)) << "at least as long as its window";
  EXPECT_FALSE(Knows(between, 8001));
  const std::uint64_t longest = Add(31'000, 9000);  // there is a free class again
  EXPECT_TRUE(Knows(longest, 40'000));
  EXPECT_FALSE(Knows(longest, 40'001));
}

TEST_F(WindowsTest, WhereNoneIsLongerItIsForEver) {
  for (std::int64_t number = 1; number <= 30; ++number) Add(1000 * number, 0);
  const std::uint64_t seq = Add(99'000, 0);
  EXPECT_TRUE(Knows(seq, INT64_MAX));
}

TEST_F(WindowsTest, AClassIsTakenAgainByAnotherLength) {
  for (std::int64_t number = 1; number <= 500; ++number) {
    const std::int64_t now_ms = 10'000 * number;
    const std::uint64_t seq = Add(1000 + number, now_ms);
    ASSERT_TRUE(Knows(seq, now_ms + 1000 + number));
    ASSERT_FALSE(Knows(seq, now_ms + 1001 + number));
  }
  Sweep();
  EXPECT_EQ(index_.size(), 0U);
}

}  // namespace
}  // namespace dedup
