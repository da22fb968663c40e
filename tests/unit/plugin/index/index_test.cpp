#include "plugin/core/index/index.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/unit/support/resident_bytes.h"

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
  /// Whatever is forgotten; afterwards nothing of it is left, or less than an eighth.
  void Sweep() {
    while (index_.wants_sweep()) index_.Sweep();
  }

  Index index_;
};

TEST_F(IndexTest, KnowsNothingAtFirst) {
  EXPECT_EQ(index_.size(), 0U);
  ExpectNone(0, 100);
  index_.ForgetUpTo(UINT64_MAX);
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

TEST_F(IndexTest, RoomThatIsMadeForAllChangesNoAnswer) {
  for (const std::uint64_t count : {0, 1, 100, 100'000, 200'000, 1'000'000}) {
    index_ = Index();
    index_.ReserveAll(count);
    ExpectNone(1, 1000);
    AddRange(1, 200'000);
    EXPECT_EQ(index_.size(), 200'000U);
    ExpectRange(1, 200'000);
    ExpectNone(200'001, 300'000);
    index_.ForgetUpTo(199'000);
    Sweep();
    EXPECT_EQ(index_.size(), 1000U);
    ExpectNone(1, 199'000);
    ExpectRange(199'001, 200'000);
  }
}

TEST_F(IndexTest, ForgetsTheOldestAndKeepsTheOthers) {
  AddRange(1, 100);
  index_.ForgetUpTo(40);
  ExpectNone(1, 40);
  ExpectRange(41, 100);
  Sweep();
  EXPECT_EQ(index_.size(), 60U);
  ExpectNone(1, 40);
  ExpectRange(41, 100);
  index_.ForgetUpTo(39);
  EXPECT_FALSE(index_.wants_sweep());
  ExpectRange(41, 100);
}

TEST_F(IndexTest, WhatIsForgottenIsSweptOnceItIsAnEighth) {
  AddRange(1, 80);
  EXPECT_FALSE(index_.wants_sweep());
  index_.ForgetUpTo(10);
  EXPECT_FALSE(index_.wants_sweep());
  index_.ForgetUpTo(11);
  EXPECT_TRUE(index_.wants_sweep());
  Sweep();
  EXPECT_FALSE(index_.wants_sweep());
  EXPECT_EQ(index_.size(), 69U);
}

TEST_F(IndexTest, AForgottenKeyCanBeInsertedAgainSweptOrNot) {
  AddRange(1, 100);
  index_.ForgetUpTo(50);
  Add(KeyOf(7), 101);
  EXPECT_EQ(index_.Find(KeyOf(7)), 101U);
  Sweep();
  EXPECT_EQ(index_.Find(KeyOf(7)), 101U);
  index_.ForgetUpTo(100);
  Add(KeyOf(8), 102);
  EXPECT_EQ(index_.Find(KeyOf(7)), 101U);
  EXPECT_EQ(index_.Find(KeyOf(8)), 102U);
  index_.ForgetUpTo(101);
  ExpectNone(7, 7);
}

TEST_F(IndexTest, KeysComeWhileItIsSwept) {
  constexpr std::uint64_t kKeys = 100'000;
  AddRange(1, kKeys);
  index_.ForgetUpTo(kKeys / 2);
  std::uint64_t last = kKeys;
  for (int round = 0; index_.wants_sweep(); ++round) {
    ASSERT_LT(round, 1000);
    index_.Sweep();
    AddRange(last + 1, last + 1000);
    last += 1000;
    if (round == 1) index_.ForgetUpTo(kKeys / 2 + 1000);
    ExpectRange(kKeys / 2 + 1001, last);
  }
  ExpectNone(1, kKeys / 2 + 1000);
  ExpectRange(kKeys / 2 + 1001, last);
  EXPECT_LE(index_.size(), last - kKeys / 2);
}

TEST_F(IndexTest, CanBeginAnywhereOnceItIsEmpty) {
  for (const std::uint64_t start : {std::uint64_t{5}, std::uint64_t{1} << 33, std::uint64_t{1} << 43}) {
    AddRange(start, start + 20'000);
    ExpectRange(start, start + 20'000);
    index_.ForgetUpTo(start + 20'000);
    Sweep();
    EXPECT_EQ(index_.size(), 0U);
    ExpectNone(start, start + 20'000);
  }
}

TEST_F(IndexTest, SeqsMayHaveGaps) {
  constexpr std::uint64_t kGap = 1'000'000;
  for (std::uint64_t i = 1; i <= 50; ++i) Add(KeyOf(i), i * kGap);
  for (std::uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(index_.Find(KeyOf(i)), i * kGap);
  index_.ForgetUpTo(20 * kGap - 1);
  Sweep();
  EXPECT_EQ(index_.size(), 31U);
  EXPECT_EQ(index_.Find(KeyOf(20)), 20 * kGap);
  index_.ForgetUpTo(49 * kGap);
  Sweep();
  EXPECT_EQ(index_.size(), 1U);
  EXPECT_EQ(index_.Find(KeyOf(50)), 50 * kGap);
}

TEST_F(IndexTest, RefusesSeqsBeyondItsLimitAndChangesNothing) {
  AddRange(10, 12);
  Add(KeyOf(13), Index::kSeqMax);
  EXPECT_THROW(index_.Reserve(KeyOf(14), Index::kSeqMax + 1), std::length_error);
  EXPECT_THROW(index_.Reserve(KeyOf(14), UINT64_MAX), std::length_error);
  EXPECT_EQ(index_.size(), 4U);
  ExpectRange(10, 12);
  EXPECT_EQ(index_.Find(KeyOf(13)), Index::kSeqMax);
}

TEST_F(IndexTest, EachClassForgetsByItself) {
  constexpr std::uint64_t kKeys = 31'000;
  const auto class_of = [](std::uint64_t number) {
    return static_cast<std::uint8_t>(number % 3 == 0 ? 31 : number % 3);
  };
  for (std::uint64_t number = 1; number <= kKeys; ++number) {
    index_.Reserve(KeyOf(number), number);
    index_.Insert(KeyOf(number), number, class_of(number));
  }
  ExpectRange(1, kKeys);
  const auto expect = [&](std::uint64_t forgotten_1, std::uint64_t forgotten_2) {
    for (std::uint64_t number = 1; number <= kKeys; ++number) {
      const bool is_forgotten = number <= (class_of(number) == 1   ? forgotten_1
                                           : class_of(number) == 2 ? forgotten_2
                                                                   : 0);
      ASSERT_EQ(index_.Find(KeyOf(number)).has_value(), !is_forgotten) << number;
    }
  };
  index_.ForgetUpTo(9'000, 1, 3'000);
  expect(9'000, 0);
  EXPECT_FALSE(index_.wants_sweep());
  index_.ForgetUpTo(3'000, 2, 1'000);
  EXPECT_TRUE(index_.wants_sweep());
  Sweep();
  EXPECT_EQ(index_.size(), kKeys - 4'000);
  expect(9'000, 3'000);
  index_.ForgetUpTo(kKeys, 2, kKeys / 3 - 1'000);
  Sweep();
  expect(9'000, kKeys);
  index_.ForgetUpTo(kKeys);  // of the plugin's own window there are none
  expect(9'000, kKeys);
}

TEST_F(IndexTest, AKeyMayComeBackInAnotherClass) {
  index_.Reserve(KeyOf(1), 1);
  index_.Insert(KeyOf(1), 1, 5);
  index_.ForgetUpTo(1, 5, 1);
  EXPECT_EQ(index_.Find(KeyOf(1)), std::nullopt);
  Add(KeyOf(1), 2);
  EXPECT_EQ(index_.Find(KeyOf(1)), 2U);
  Sweep();
  EXPECT_EQ(index_.Find(KeyOf(1)), 2U);
  EXPECT_EQ(index_.size(), 1U);
}

// Keys that differ only where neither the shard nor the home bucket looks: the table must grow until they have room.
TEST_F(IndexTest, TellsKeysApartThatCrowdOneSlot) {
  constexpr std::uint64_t kKeys = 100;
  const auto crowded = [](std::uint64_t number) {
    return KeyHash{.high = 0xABCD'0000'0000'0000 | (number % 64 + 1) << 4, .low = (number / 64) << 36 | 0x8000'0000};
  };
  for (std::uint64_t number = 1; number <= kKeys; ++number) Add(crowded(number), number);
  for (std::uint64_t number = 1; number <= kKeys; ++number) ASSERT_EQ(index_.Find(crowded(number)), number);
  for (std::uint64_t number = kKeys + 1; number <= 2 * kKeys; ++number) {
    ASSERT_EQ(index_.Find(crowded(number)), std::nullopt);
  }
  for (std::uint64_t forgotten = 1; forgotten <= kKeys; ++forgotten) {
    index_.ForgetUpTo(forgotten);
    Sweep();
    ASSERT_EQ(index_.Find(crowded(forgotten)), std::nullopt);
    for (std::uint64_t number = forgotten + 1; number <= kKeys; ++number) {
      ASSERT_EQ(index_.Find(crowded(number)), number);
    }
  }
}

// There is no room for the keys of a shard where the table is to be smaller: it grows again.
TEST_F(IndexTest, KeysThatCrowdWhileItShrinksAreKept) {
  const auto crowded = [](std::uint64_t number) { return KeyHash{.high = number, .low = number}; };
  AddRange(1, 100'000);
  index_.ForgetUpTo(100'000);
  for (std::uint64_t number = 1; number <= 50; ++number) Add(crowded(number), 100'000 + number);
  std::uint64_t last = 50;
  for (int round = 0; index_.wants_sweep(); ++round) {
    ASSERT_LT(round, 10'000);
    index_.Sweep();
    if (last < 60) ++last, Add(crowded(last), 100'000 + last);
    for (std::uint64_t number = 1; number <= last; ++number) {
      ASSERT_EQ(index_.Find(crowded(number)), 100'000 + number);
    }
  }
  EXPECT_EQ(index_.size(), last);
  ExpectNone(1, 1000);
}

TEST_F(IndexTest, AHashOfZerosIsAKeyToo) {
  const KeyHash zero{};
  EXPECT_EQ(index_.Find(zero), std::nullopt);
  Add(zero, 1);
  AddRange(2, 10);
  EXPECT_EQ(index_.Find(zero), 1U);
  index_.ForgetUpTo(1);
  EXPECT_EQ(index_.Find(zero), std::nullopt);
  ExpectRange(2, 10);
}

TEST_F(IndexTest, AMillionKeysComeAndGo) {
  constexpr std::uint64_t kMillion = 1'000'000;
  AddRange(1, kMillion);
  EXPECT_EQ(index_.size(), kMillion);
  ExpectRange(1, kMillion);
  ExpectNone(kMillion + 1, kMillion + 100'000);
  for (std::uint64_t seq = 1; seq <= kMillion; seq += 1000) {
    index_.ForgetUpTo(seq);
    index_.Sweep();
  }
  ExpectRange(kMillion - 998, kMillion);
  ExpectNone(1, 1000);
  Sweep();
  EXPECT_LE(index_.size(), 999 + 999 / 8U);
  ExpectRange(kMillion - 998, kMillion);
  ExpectNone(kMillion - 2000, kMillion - 999);
}

// So many that the table, of 8 MiB, is about to double.
TEST_F(IndexTest, WhatIsReadyForTheNextGrowthStaysUntilTheTableGetsSmaller) {
  constexpr std::uint64_t kKeys = 248'000;
  constexpr std::size_t kMuch = 6 << 20;
  AddRange(1, kKeys);
  const std::size_t with_table = ResidentBytes();
  index_.PrepareMemory();
  const std::size_t with_both = ResidentBytes();
  ASSERT_GT(with_both, with_table + kMuch);

  index_.ForgetUpTo(kKeys / 2);
  Sweep();
  ASSERT_EQ(index_.size(), kKeys / 2);
  EXPECT_GT(ResidentBytes(), with_table + kMuch);
  ExpectRange(kKeys / 2 + 1, kKeys);

  index_.ForgetUpTo(kKeys - 1);
  Sweep();
  EXPECT_LT(ResidentBytes(), with_both - kMuch - kMuch);
  ExpectRange(kKeys, kKeys);
}

// What goes on with the sweep, or rebuilds the shards before, is to be seen by the forgotten keys that are gone.
TEST_F(IndexTest, ASweepInTheWayOfAGrowthIsGivenUp) {
  constexpr std::uint64_t kKeys = 200'000;
  const auto of_last_shard = [](std::uint64_t number) {
    return KeyHash{.high = number, .low = ~std::uint64_t{0} << 51 | number};
  };
  AddRange(1, kKeys);
  index_.ForgetUpTo(kKeys / 4);
  for (int part = 0; part < 8; ++part) index_.Sweep();
  index_.ForgetUpTo(kKeys / 2);
  ASSERT_GT(index_.size(), kKeys * 3 / 4);
  std::uint64_t gone_at_once_max = 0;
  for (std::uint64_t seq = kKeys + 1; seq <= kKeys + 100; ++seq) {
    const std::uint64_t before = index_.size();
    Add(of_last_shard(seq), seq);
    gone_at_once_max = std::max(gone_at_once_max, before + 1 - index_.size());
  }
  EXPECT_LT(gone_at_once_max, 1000U);
  ExpectNone(1, kKeys / 2);
  ExpectRange(kKeys / 2 + 1, kKeys);
  for (std::uint64_t seq = kKeys + 1; seq <= kKeys + 100; ++seq) ASSERT_EQ(index_.Find(of_last_shard(seq)), seq);
  Sweep();
  EXPECT_EQ(index_.size(), kKeys / 2 + 100);
}

// In a process of its own, which the limit ends with.
TEST_F(IndexTest, WithoutMemoryItRefusesAKeyAndKeepsTheOthers) {
  AddRange(1, 1000);
  EXPECT_EXIT(
      {
        rlimit limit{};
        if (setrlimit(RLIMIT_DATA, &limit) != 0) _exit(2);
        std::uint64_t number = 1000;
        try {
          while (number < 10'000'000) {
            index_.Reserve(KeyOf(number + 1), number + 1);
            ++number;
            index_.Insert(KeyOf(number), number);
          }
          _exit(3);
        } catch (const std::bad_alloc&) {
        }
        for (std::uint64_t i = 1; i <= number; ++i) {
          if (index_.Find(KeyOf(i)) != i) _exit(4);
        }
        _exit(index_.size() == number && !index_.Find(KeyOf(number + 1)) ? 0 : 5);
      },
      testing::ExitedWithCode(0), "");
}

// A key that another thread's memory is used for is there as any other.
TEST_F(IndexTest, PreparedMemoryIsUsed) {
  std::atomic<bool> stop{false};
  std::thread preparer([&] {
    while (!stop) index_.PrepareMemory();
  });
  AddRange(1, 500'000);
  stop = true;
  preparer.join();
  ExpectRange(1, 500'000);
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
      } else if (below(4) == 0) {
        const std::uint64_t up_to = below(200) == 0 ? seq : std::min(key_of.begin()->first + below(8), seq);
        index_.ForgetUpTo(up_to);
        if (below(2) == 0) index_.Sweep();
        while (!key_of.empty() && key_of.begin()->first <= up_to) {
          seq_of.erase(key_of.begin()->second);
          key_of.erase(key_of.begin());
        }
      }
      ASSERT_GE(index_.size(), seq_of.size());
    }
    for (std::uint64_t number = 0; number < keys; ++number) {
      const auto known = seq_of.find(number);
      ASSERT_EQ(index_.Find(KeyOf(number)), known == seq_of.end() ? std::nullopt : std::optional(known->second));
    }
  }
}

}  // namespace
}  // namespace dedup
