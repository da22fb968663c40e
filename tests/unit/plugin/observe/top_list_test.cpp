#include "plugin/core/observe/top_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace dedup {
namespace {

std::string Name(std::size_t number) { return "topic/" + std::to_string(number); }

TEST(TopListTest, IsEmptyAtFirst) { EXPECT_TRUE(TopList().Top(10).empty()); }

TEST(TopListTest, CountsExactlyWhileThereAreRows) {
  TopList list;
  for (std::size_t i = 0; i < TopList::kRows; ++i) {
    for (std::size_t times = 0; times <= i; ++times) list.Count(Name(i), times % 2 == 1);
  }
  const auto rows = list.Top(TopList::kRows);
  ASSERT_EQ(rows.size(), TopList::kRows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t number = TopList::kRows - 1 - i;
    EXPECT_EQ(rows[i].text, Name(number));
    EXPECT_EQ(rows[i].events, number + 1);
    EXPECT_EQ(rows[i].duplicates, (number + 1) / 2);
    EXPECT_EQ(rows[i].error, 0u);
  }
}

TEST(TopListTest, TellsAsManyAsAreAskedForInAStableOrder) {
  TopList list;
  for (const char* const text : {"b", "a", "c", "c"}) list.Count(text, false);
  const auto rows = list.Top(2);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].text, "c");
  EXPECT_EQ(rows[1].text, "a");
}

TEST(TopListTest, TheRarestTextGivesItsRowAndItsCountAsAnError) {
  TopList list;
  for (std::size_t i = 0; i < TopList::kRows; ++i) {
    for (int times = 0; times < (i == 0 ? 3 : 5); ++times) list.Count(Name(i), true);
  }
  list.Count("new", true);
  const auto rows = list.Top(TopList::kRows);
  ASSERT_EQ(rows.size(), TopList::kRows);
  EXPECT_EQ(rows.back().text, "new");
  EXPECT_EQ(rows.back().events, 1u);
  EXPECT_EQ(rows.back().duplicates, 1u);
  EXPECT_EQ(rows.back().error, 3u);
  EXPECT_TRUE(std::ranges::none_of(rows, [](const auto& row) { return row.text == Name(0); }));
}

// Whatever comes, in whatever order: the promises of the class comment.
TEST(TopListTest, BoundsHoldAndNothingFrequentIsMissing) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    // From a few texts to far more than there are rows, the low numbers more often.
    const std::size_t texts = std::size_t{20} << seed % 8;
    std::geometric_distribution<std::size_t> skewed(8.0 / static_cast<double>(texts));
    std::uniform_int_distribution<std::size_t> even(0, texts - 1);
    TopList list;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> truth;  // events, duplicates
    constexpr std::uint64_t kEvents = 20'000;
    for (std::uint64_t i = 0; i < kEvents; ++i) {
      const std::string name = Name(random() % 2 == 0 ? skewed(random) : even(random));
      const bool is_duplicate = random() % 3 == 0;
      list.Count(name, is_duplicate);
      ++truth[name].first;
      truth[name].second += is_duplicate ? 1 : 0;
    }
    const auto rows = list.Top(TopList::kRows);
    std::uint64_t sum = 0;
    for (const TopList::Row& row : rows) {
      const auto [events, duplicates] = truth.at(row.text);
      EXPECT_LE(row.events, events);
      EXPECT_GE(row.events + row.error, events);
      EXPECT_LE(row.duplicates, duplicates);
      EXPECT_GE(row.duplicates + row.error, duplicates);
      EXPECT_LE(row.error, kEvents / TopList::kRows);
      sum += row.events + row.error;
    }
    EXPECT_EQ(sum, kEvents);
    for (const auto& [name, counts] : truth) {
      if (counts.first <= kEvents / TopList::kRows) continue;
      EXPECT_TRUE(std::ranges::any_of(rows, [&](const auto& row) { return row.text == name; })) << name;
    }
  }
}

TEST(TopListTest, LongTextsAreCutBetweenCharactersAndToldApart) {
  TopList list;
  const std::string beginning(TopList::kTextBytesMax - 4, 'x');
  const std::string whole = beginning + "äö";
  list.Count(whole, false);
  for (int times = 0; times < 2; ++times) list.Count(whole + "1", false);
  for (int times = 0; times < 3; ++times) list.Count(whole + "2", false);
  const auto rows = list.Top(3);
  EXPECT_EQ(rows[0].events, 3u);
  EXPECT_EQ(rows[1].events, 2u);
  EXPECT_EQ(rows[0].text, beginning + "…");
  EXPECT_EQ(rows[1].text, beginning + "…");
  EXPECT_EQ(rows[2].text, whole);
}

TEST(TopListTest, AnEmptyTextIsOneToo) {
  TopList list;
  list.Count({}, false);
  ASSERT_EQ(list.Top(1).size(), 1u);
  EXPECT_EQ(list.Top(1)[0].text, "");
}

}  // namespace
}  // namespace dedup
