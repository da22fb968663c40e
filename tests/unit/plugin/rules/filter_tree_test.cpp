#include "plugin/core/rules/filter_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "plugin/core/text/topic_filter.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint16_t> Match(FilterTree& tree, const std::string& topic) {
  std::vector<std::uint16_t> rules;
  tree.Match(topic, &rules);
  return rules;
}

TEST(FilterTreeTest, FindsEachRuleOnceInAscendingOrder) {
  FilterTree tree;
  tree.Add("a/+", 2);
  tree.Add("a/b", 2);
  tree.Add("#", 3);
  tree.Add("+/b", 1);
  tree.Add("a/#", 0);
  EXPECT_THAT(Match(tree, "a/b"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Match(tree, "a"), ElementsAre(0, 3));
  EXPECT_THAT(Match(tree, "c/b"), ElementsAre(1, 3));
  FilterTree empty;
  EXPECT_THAT(Match(empty, "a"), IsEmpty());
}

// Against the filters one by one.
TEST(FilterTreeTest, FindsWhatMatchesFilterFinds) {
  std::mt19937 random(1);
  const auto levels = [&](std::vector<std::string> words) {
    std::string text;
    for (std::size_t count = 1 + random() % 5; count != 0; --count) text += words[random() % words.size()] + "/";
    if (random() % 4 != 0) text.pop_back();
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    FilterTree tree;
    std::vector<std::string> filters;
    while (filters.size() < 30) {
      const std::string filter = levels({"a", "b", "c", "", "+", "+", "#"});
      if (!IsTopicFilter(filter)) continue;
      tree.Add(filter, static_cast<std::uint16_t>(filters.size()));
      filters.push_back(filter);
    }
    for (int i = 0; i < 50; ++i) {
      const std::string topic = levels({"a", "b", "c", "", "x"});
      if (topic.empty()) continue;
      std::vector<std::uint16_t> expected;
      for (std::uint16_t j = 0; j < filters.size(); ++j) {
        if (MatchesFilter(topic, filters[j])) expected.push_back(j);
      }
      EXPECT_EQ(Match(tree, topic), expected) << topic;
    }
  }
}

TEST(FilterTreeTest, GoesThroughALongTopicOnlyAsFarAsFiltersGo) {
  FilterTree tree;
  tree.Add("a/b", 0);
  tree.Add(std::string(65535, '/'), 1);
  EXPECT_THAT(Match(tree, "a/b" + std::string(65000, '/')), IsEmpty());
  EXPECT_THAT(Match(tree, std::string(65535, '/')), ElementsAre(1));
}

}  // namespace
}  // namespace dedup
