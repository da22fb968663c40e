#include "plugin/core/rules/topic_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace dedup {
namespace {

std::string Topic(std::size_t i) { return "site/" + std::to_string(i) + "/state"; }

TEST(TopicCacheTest, RemembersTopicsOfAnySize) {
  TopicCache cache(1);
  EXPECT_EQ(cache.Find("a"), std::nullopt);
  const std::string longest(65535, 'x');
  cache.Add("a", 1);
  cache.Add("aa", 2);
  cache.Add(longest, 3);
  cache.Add(longest.substr(1), 4);
  EXPECT_EQ(cache.Find("a"), 1);
  EXPECT_EQ(cache.Find("aa"), 2);
  EXPECT_EQ(cache.Find("aaa"), std::nullopt);
  EXPECT_EQ(cache.Find(longest), 3);
  EXPECT_EQ(cache.Find(longest.substr(1)), 4);
  cache.Clear();
  EXPECT_EQ(cache.Find("a"), std::nullopt);
}

TEST(TopicCacheTest, KnowsAsManyTopicsAsItSays) {
  TopicCache cache(1);
  for (std::size_t i = 0; i < TopicCache::kTopicsMax; ++i) cache.Add(Topic(i), static_cast<std::uint16_t>(i));
  for (std::size_t i = 0; i < TopicCache::kTopicsMax; ++i)
    ASSERT_EQ(cache.Find(Topic(i)), static_cast<std::uint16_t>(i));
  cache.Add("one more", 7);
  EXPECT_EQ(cache.Find("one more"), 7);
  EXPECT_EQ(cache.Find(Topic(0)), std::nullopt);
  cache.Add(Topic(0), 8);
  EXPECT_EQ(cache.Find(Topic(0)), 8);
}

TEST(TopicCacheTest, ForgetsBeforeTheTextsNeedMoreThanTheirRoom) {
  TopicCache cache(1);
  std::string topic(65000, 'x');
  const std::size_t rounds = 3 * TopicCache::kTextBytesMax / topic.size();
  for (std::size_t i = 0; i < rounds; ++i) {
    topic.replace(0, 8, std::to_string(10'000'000 + i));
    cache.Add(topic, static_cast<std::uint16_t>(i));
    ASSERT_EQ(cache.Find(topic), static_cast<std::uint16_t>(i));
  }
  std::size_t known = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    topic.replace(0, 8, std::to_string(10'000'000 + i));
    known += cache.Find(topic) ? 1 : 0;
  }
  EXPECT_LE(known * topic.size(), TopicCache::kTextBytesMax);
}

}  // namespace
}  // namespace dedup
