#include "plugin/core/observe/first_samples.h"

#include <gtest/gtest.h>

#include <string>

namespace dedup {
namespace {

Publish Message(std::string_view payload) { return {"t", payload, "c", {}, {}}; }

TEST(BeginningTest, IsCutBetweenCharacters) {
  EXPECT_EQ(Beginning("abcdef", 6), "abcdef");
  EXPECT_EQ(Beginning("abcdefg", 6), "abc…");
  EXPECT_EQ(Beginning("ab\xC3\xA4\xC3\xA4", 5), "ab…");
}

TEST(FirstSamplesTest, KeepsAMessageForItsKey) {
  FirstSamples samples(4);
  const std::uint32_t number = samples.Take(7, Message("hello"), 0);
  ASSERT_NE(number, 0u);
  EXPECT_EQ(samples.Use(number, 8), nullptr);
  EXPECT_EQ(samples.Use(0, 7), nullptr);
  const FirstSamples::Sample* const sample = samples.Use(number, 7);
  ASSERT_NE(sample, nullptr);
  EXPECT_EQ(sample->payload(), "hello");
  EXPECT_EQ(sample->topic, "t");
  EXPECT_EQ(sample->client_id, "c");
}

TEST(FirstSamplesTest, AUsedOneMakesWay) {
  FirstSamples samples(1);
  const std::uint32_t number = samples.Take(7, Message("a"), 0);
  EXPECT_EQ(samples.Take(8, Message("b"), 0), 0u);
  for (int i = 0; i < FirstSamples::kUsesMax; ++i) EXPECT_NE(samples.Use(number, 7), nullptr);
  EXPECT_EQ(samples.Use(number, 7), nullptr);
  EXPECT_EQ(samples.Take(8, Message("b"), 0), 1u);
  EXPECT_EQ(samples.Use(number, 7), nullptr);
  EXPECT_NE(samples.Use(1, 8), nullptr);
}

// A stream of first messages, with copies that come after any gap up to hours: for each some first is still there.
TEST(FirstSamplesTest, SomeAreKeptForSecondsAndSomeForHours) {
  FirstSamples samples(32);
  std::uint64_t key = 0;
  std::int64_t oldest_ms = 0;
  std::int64_t taken = 0;
  for (std::int64_t now_ms = 0; now_ms < 4 * 3'600'000; now_ms += 100) {
    taken += samples.Take(++key, Message("p"), now_ms) != 0 ? 1 : 0;
  }
  EXPECT_GT(taken, 10'000);  // those that are kept for a second
  for (std::uint32_t number = 1; number <= 32; ++number) {
    for (std::uint64_t first = 1; first <= 40; ++first) {
      if (samples.Use(number, first) != nullptr) oldest_ms = 4 * 3'600'000;
    }
  }
  EXPECT_GT(oldest_ms, 0) << "those that are kept for hours are still the first ones";
}

TEST(FirstSamplesTest, LargePayloadsAreNotKept) {
  FirstSamples samples(1);
  EXPECT_EQ(samples.Take(7, Message(std::string(FirstSamples::kPayloadBytesMax + 1, 'x')), 0), 0u);
  EXPECT_EQ(samples.Take(7, Message(std::string(FirstSamples::kPayloadBytesMax, 'x')), 0), 1u);
}

}  // namespace
}  // namespace dedup
