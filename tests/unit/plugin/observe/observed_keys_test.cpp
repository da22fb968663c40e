#include "plugin/core/observe/observed_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>

namespace dedup {
namespace {

constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

TEST(ObservedKeysTest, AKeyIsRememberedForItsWindowFromTheFirstMessageOn) {
  ObservedKeys keys(8, 100);
  EXPECT_EQ(keys.Find(5, 1000), nullptr);
  keys.Add(5, 1000);
  ASSERT_NE(keys.Find(5, 1099), nullptr);
  EXPECT_EQ(keys.Find(5, 1099)->first_ms, 1000);
  EXPECT_EQ(keys.Find(5, 1100), nullptr);
  keys.Add(5, 1100);
  EXPECT_NE(keys.Find(5, 1199), nullptr);
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys.forgotten_early(), 0u);
}

TEST(ObservedKeysTest, TheOldestGoesFirstAndHowOldItWasIsTold) {
  ObservedKeys keys(8, kEndless);
  for (std::uint64_t hash = 1; hash <= 8; ++hash) keys.Add(hash, static_cast<std::int64_t>(100 * hash));
  EXPECT_EQ(keys.forgotten_early(), 0u);
  keys.Add(9, 1000);
  EXPECT_EQ(keys.Find(1, 1000), nullptr);
  for (std::uint64_t hash = 2; hash <= 9; ++hash) EXPECT_NE(keys.Find(hash, 1000), nullptr) << hash;
  EXPECT_EQ(keys.size(), 8u);
  EXPECT_EQ(keys.forgotten_early(), 1u);
  EXPECT_EQ(keys.reach_ms(), 900);
}

TEST(ObservedKeysTest, WhatIsBeyondItsWindowMakesRoomUnnoticed) {
  ObservedKeys keys(8, 100);
  for (std::uint64_t hash = 1; hash <= 800; ++hash) keys.Add(hash, static_cast<std::int64_t>(20 * hash));
  EXPECT_EQ(keys.forgotten_early(), 0u);
  EXPECT_LE(keys.size(), 8u);
}

TEST(ObservedKeysTest, AHashOfZeroIsOneToo) {
  ObservedKeys keys(8, 100);
  keys.Add(0, 5);
  EXPECT_NE(keys.Find(0, 6), nullptr);
}

// Against a plain map and list: few homes, so that keys stand far from theirs and gaps must be closed.
TEST(ObservedKeysTest, KnowsJustWhatAMapWouldKnow) {
  std::mt19937 random(20);
  ObservedKeys keys(64, 500);
  std::map<std::uint64_t, std::int64_t> expected;
  std::int64_t now_ms = 0;
  for (int i = 0; i < 50'000; ++i) {
    now_ms += static_cast<std::int64_t>(random() % 16);
    const std::uint64_t hash = (random() % 8) << 32 | (2 + random() % 40);
    const auto known = expected.find(hash);
    const bool is_known = known != expected.end() && now_ms - known->second < 500;
    const ObservedKeys::Key* const key = keys.Find(hash, now_ms);
    // What is known is remembered unless room was needed.
    if (!is_known) {
      EXPECT_EQ(key, nullptr);
    } else if (keys.forgotten_early() == 0) {
      ASSERT_NE(key, nullptr) << i;
    }
    if (key != nullptr) {
      EXPECT_EQ(key->first_ms, known->second);
    } else {
      keys.Add(hash, now_ms);
      expected[hash] = now_ms;
    }
  }
  EXPECT_LE(keys.size(), 64u);
}

}  // namespace
}  // namespace dedup
