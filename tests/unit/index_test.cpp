#include "index.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>

namespace dedup {
namespace {

// A key for a number: splitmix64 twice, so that equal numbers give equal keys.
KeyHash KeyOf(std::uint64_t number) {
  const auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  };
  return {.high = mix(2 * number + 0x9E3779B97F4A7C15), .low = mix(2 * number + 1)};
}

class IndexTest : public testing::Test {
 protected:
  void Add(const KeyHash& key, std::uint64_t seq) {
    index_.Reserve(key, seq);
    index_.Insert(key, seq);
  }
  /// Keys of the numbers first … last, each with its number as its seq.
  void AddRange(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) Add(KeyOf(number), number);
  }
  void ExpectRange(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) ASSERT_EQ(index_.Find(KeyOf(number)), number);
  }
  void ExpectNone(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) ASSERT_EQ(index_.Find(KeyOf(number)), std::nullopt);
  }
  void ForgetUpTo(std::uint64_t seq) { EXPECT_TRUE(index_.ForgetUpTo(seq, SIZE_MAX)); }

  Index index_;
};

TEST_F(IndexTest, KnowsNothingAtFirst) {
  EXPECT_EQ(index_.size(), 0U);
  ExpectNone(0, 100);
  ForgetUpTo(UINT64_MAX);
}

TEST_F(IndexTest, FindsWhatWasInsertedAndNothingElse) {
  AddRange(1, 1000);
  EXPECT_EQ(index_.size(), 1000U);
  ExpectRange(1, 1000);
  ExpectNone(1001, 3000);
}

TEST_F(IndexTest, ReservingAloneRemembersNothing) {
  index_.Reserve(KeyOf(1), 1);
  index_.Reserve(KeyOf(2), 2);
  EXPECT_EQ(index_.size(), 0U);
  ExpectNone(1, 2);
  Add(KeyOf(3), 3);
  index_.Reserve(KeyOf(4), 4);
  ExpectNone(4, 4);
  ExpectRange(3, 3);
}

TEST_F(IndexTest, ForgetsTheOldestAndKeepsTheOthers) {
  AddRange(1, 100);
  ForgetUpTo(40);
  EXPECT_EQ(index_.size(), 60U);
  ExpectNone(1, 40);
  ExpectRange(41, 100);
  ForgetUpTo(40);
  EXPECT_EQ(index_.size(), 60U);
}

TEST_F(IndexTest, AForgottenKeyCanBeInsertedAgain) {
  AddRange(1, 100);
  ForgetUpTo(50);
  Add(KeyOf(7), 101);
  EXPECT_EQ(index_.Find(KeyOf(7)), 101U);
  ForgetUpTo(100);
  EXPECT_EQ(index_.Find(KeyOf(7)), 101U);
  ForgetUpTo(101);
  ExpectNone(7, 7);
}

TEST_F(IndexTest, ForgetsNoMoreAtOnceThanItIsAllowedTo) {
  AddRange(1, 100);
  EXPECT_FALSE(index_.ForgetUpTo(50, 0));
  EXPECT_EQ(index_.size(), 100U);
  EXPECT_FALSE(index_.ForgetUpTo(50, 49));
  EXPECT_EQ(index_.size(), 51U);
  ExpectRange(50, 100);
  EXPECT_TRUE(index_.ForgetUpTo(50, 1));
  EXPECT_EQ(index_.size(), 50U);
}

TEST_F(IndexTest, ForgetsAGivenKeyOutOfItsTurn) {
  AddRange(1, 100);
  index_.Forget(50);
  index_.Forget(100);
  EXPECT_EQ(index_.size(), 98U);
  ExpectNone(50, 50);
  ExpectNone(100, 100);
  ExpectRange(51, 99);
  Add(KeyOf(50), 101);
  ForgetUpTo(60);
  EXPECT_EQ(index_.size(), 40U);
  EXPECT_EQ(index_.Find(KeyOf(50)), 101U);
  index_.Forget(101);
  for (std::uint64_t seq = 61; seq <= 99; ++seq) index_.Forget(seq);
  EXPECT_EQ(index_.size(), 0U);
  AddRange(1000, 1001);
  ExpectRange(1000, 1001);
}

TEST_F(IndexTest, CanBeginAnywhereOnceItIsEmpty) {
  for (const std::uint64_t start : {std::uint64_t{1} << 40, std::uint64_t{5}, std::uint64_t{1} << 62}) {
    AddRange(start, start + 20'000);
    ExpectRange(start, start + 20'000);
    ForgetUpTo(start + 20'000);
    EXPECT_EQ(index_.size(), 0U);
    ExpectNone(start, start + 20'000);
  }
}

TEST_F(IndexTest, SeqsMayHaveGaps) {
  constexpr std::uint64_t kGap = 1'000'000;
  for (std::uint64_t i = 1; i <= 50; ++i) Add(KeyOf(i), i * kGap);
  for (std::uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(index_.Find(KeyOf(i)), i * kGap);
  ForgetUpTo(20 * kGap - 1);
  EXPECT_EQ(index_.size(), 31U);
  EXPECT_EQ(index_.Find(KeyOf(20)), 20 * kGap);
  ForgetUpTo(49 * kGap);
  EXPECT_EQ(index_.size(), 1U);
  EXPECT_EQ(index_.Find(KeyOf(50)), 50 * kGap);
}

TEST_F(IndexTest, AGapCostsFewSteps) {
  Add(KeyOf(1), 1);
  Add(KeyOf(2), 1'000'000'000);
  EXPECT_TRUE(index_.ForgetUpTo(999'000'000, 100'000));
  EXPECT_EQ(index_.size(), 1U);
}

TEST_F(IndexTest, RefusesASpanOf32BitsAndChangesNothing) {
  constexpr std::uint64_t kSpan = std::uint64_t{1} << 32;
  AddRange(10, 12);
  Add(KeyOf(13), 10 + kSpan - 1);
  EXPECT_THROW(index_.Reserve(KeyOf(14), 10 + kSpan), std::length_error);
  EXPECT_THROW(index_.Reserve(KeyOf(14), UINT64_MAX), std::length_error);
  EXPECT_EQ(index_.size(), 4U);
  ExpectRange(10, 12);
  EXPECT_EQ(index_.Find(KeyOf(13)), 10 + kSpan - 1);
  ForgetUpTo(10);
  Add(KeyOf(14), 10 + kSpan);
  EXPECT_EQ(index_.Find(KeyOf(14)), 10 + kSpan);
  ExpectRange(11, 12);
}

// Keys that differ only where the shard, the home slot and the tag do not look.
TEST_F(IndexTest, TellsKeysApartThatCrowdOneSlot) {
  const auto crowded = [](std::uint64_t number) {
    return KeyHash{.high = 0xABCD'0000'0000'0000 | (number % 64) << 14, .low = (number / 64) << 32 | 0x8000'0000};
  };
  for (std::uint64_t number = 1; number <= 1000; ++number) Add(crowded(number), number);
  for (std::uint64_t number = 1; number <= 1000; ++number) ASSERT_EQ(index_.Find(crowded(number)), number);
  for (std::uint64_t number = 1001; number <= 2000; ++number) ASSERT_EQ(index_.Find(crowded(number)), std::nullopt);
  for (std::uint64_t forgotten = 1; forgotten <= 1000; ++forgotten) {
    ForgetUpTo(forgotten);
    ASSERT_EQ(index_.Find(crowded(forgotten)), std::nullopt);
    for (std::uint64_t number = forgotten + 1; number <= 1000; number += 37) {
      ASSERT_EQ(index_.Find(crowded(number)), number);
    }
  }
}

TEST_F(IndexTest, AHashOfZerosIsAKeyToo) {
  const KeyHash zero{};
  EXPECT_EQ(index_.Find(zero), std::nullopt);
  Add(zero, 1);
  AddRange(2, 10);
  EXPECT_EQ(index_.Find(zero), 1U);
  ForgetUpTo(1);
  EXPECT_EQ(index_.Find(zero), std::nullopt);
  EXPECT_EQ(index_.size(), 9U);
}

TEST_F(IndexTest, AMillionKeysComeAndGo) {
  constexpr std::uint64_t kMillion = 1'000'000;
  AddRange(1, kMillion);
  EXPECT_EQ(index_.size(), kMillion);
  ExpectRange(1, kMillion);
  ExpectNone(kMillion + 1, kMillion + 100'000);
  for (std::uint64_t seq = 1; seq <= kMillion; seq += 1000) {
    while (!index_.ForgetUpTo(seq, 64)) {
    }
  }
  EXPECT_EQ(index_.size(), 999U);
  ExpectRange(kMillion - 998, kMillion);
  ExpectNone(1, 1000);
}

// Against a map: random inserts with gaps, finds of old and new keys, forgetting in small steps, now and then all of
// it.
TEST_F(IndexTest, AgreesWithAMap) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t end) {
      return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random);
    };
    const std::uint64_t keys = 1 << below(14);
    std::map<std::uint64_t, std::uint64_t> seq_of, key_of;  // number → seq, seq → number
    std::uint64_t seq = below(1 << 20);
    index_ = Index();
    for (int round = 0; round < 10'000; ++round) {
      const std::uint64_t number = below(keys);
      const auto known = seq_of.find(number);
      ASSERT_EQ(index_.Find(KeyOf(number)), known == seq_of.end() ? std::nullopt : std::optional(known->second));
      if (known == seq_of.end()) {
        seq += below(100) == 0 ? below(100'000) + 1 : 1;
        Add(KeyOf(number), seq);
        seq_of[number] = seq;
        key_of[seq] = number;
      } else if (below(8) == 0) {
        index_.Forget(known->second);
        key_of.erase(known->second);
        seq_of.erase(known);
      } else if (below(4) == 0) {
        const std::uint64_t up_to = below(200) == 0 ? seq : key_of.begin()->first + below(8);
        while (!index_.ForgetUpTo(up_to, 1 + below(1000))) {
        }
        while (!key_of.empty() && key_of.begin()->first <= up_to) {
          seq_of.erase(key_of.begin()->second);
          key_of.erase(key_of.begin());
        }
      }
      ASSERT_EQ(index_.size(), seq_of.size());
    }
    for (std::uint64_t number = 0; number < keys; ++number) {
      const auto known = seq_of.find(number);
      ASSERT_EQ(index_.Find(KeyOf(number)), known == seq_of.end() ? std::nullopt : std::optional(known->second));
    }
  }
}

}  // namespace
}  // namespace dedup
