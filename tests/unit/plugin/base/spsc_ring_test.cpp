#include "plugin/core/base/spsc_ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace dedup {
namespace {

TEST(SpscRingTest, GivesBackWhatCameInItsOrderAndSaysWhenItIsFull) {
  SpscRing<int, 4> ring;
  EXPECT_EQ(ring.Front(), nullptr);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.Push(i));
    EXPECT_TRUE(ring.full());
    EXPECT_FALSE(ring.Push(9));
    for (int i = 0; i < 4; ++i) {
      ASSERT_NE(ring.Front(), nullptr);
      EXPECT_EQ(*ring.Front(), i);
      ring.Pop();
    }
    EXPECT_EQ(ring.Front(), nullptr);
  }
}

TEST(SpscRingTest, LosesNothingBetweenTwoThreads) {
  constexpr std::uint64_t kCount = 200'000;
  SpscRing<std::uint64_t, 64> ring;
  std::thread pusher([&] {
    for (std::uint64_t i = 0; i < kCount;) {
      if (ring.Push(i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (std::uint64_t i = 0; i < kCount;) {
    if (const std::uint64_t* const value = ring.Front()) {
      ASSERT_EQ(*value, i++);
      ring.Pop();
    } else {
      std::this_thread::yield();
    }
  }
  pusher.join();
}

}  // namespace
}  // namespace dedup
