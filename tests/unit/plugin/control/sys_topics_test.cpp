#include "plugin/core/control/sys_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Values = std::map<std::string, std::string>;

Values Take(SysTopics* topics, std::int64_t now_ms, const Statistics& statistics) {
  Values values;
  for (const SysMessage& message : topics->Take(now_ms, statistics)) {
    EXPECT_TRUE(values.emplace(message.topic, message.payload).second) << message.topic << " twice";
  }
  return values;
}

TEST(SysTopicsTest, PublishesAllAtFirst) {
  SysTopics topics(std::chrono::seconds(10));
  Statistics statistics;
  statistics.processed = 5;
  statistics.duplicates = 2;
  statistics.passed = 3;
  statistics.refused = 4;
  statistics.invalid_ids = 1;
  statistics.unstored = 6;
  statistics.accepted_seq = 9;
  statistics.journal_used_bytes = 70;
  statistics.journal_size_bytes = 80;
  statistics.store_failing = true;
  EXPECT_EQ(Take(&topics, 0, statistics), (Values{{"$SYS/broker/dedup/received", "7"},
                                                  {"$SYS/broker/dedup/duplicates", "2"},
                                                  {"$SYS/broker/dedup/passed", "3"},
                                                  {"$SYS/broker/dedup/refused", "4"},
                                                  {"$SYS/broker/dedup/unstored", "6"},
                                                  {"$SYS/broker/dedup/invalid_ids", "1"},
                                                  {"$SYS/broker/dedup/lost", "0"},
                                                  {"$SYS/broker/dedup/journal_bytes", "70"},
                                                  {"$SYS/broker/dedup/journal_size_bytes", "80"},
                                                  {"$SYS/broker/dedup/store_failing", "1"},
                                                  {"$SYS/broker/dedup/journal_failing", "0"}}));
}

TEST(SysTopicsTest, PublishesThenWhatHasChanged) {
  SysTopics topics(std::chrono::seconds(10));
  Statistics statistics;
  statistics.processed = 1;
  Take(&topics, 0, statistics);
  EXPECT_THAT(Take(&topics, 10'000, statistics), IsEmpty());
  statistics.duplicates = 1;
  EXPECT_THAT(Take(&topics, 20'000, statistics),
              ElementsAre(Pair("$SYS/broker/dedup/duplicates", "1"), Pair("$SYS/broker/dedup/received", "2")));
  statistics.duplicates = 0;
  EXPECT_EQ(Take(&topics, 30'000, statistics).size(), 2U);
}

TEST(SysTopicsTest, IsDueAtOnceAndThenAtEachInterval) {
  SysTopics topics(std::chrono::seconds(10));
  EXPECT_TRUE(topics.is_due(5));
  Take(&topics, 5, {});
  EXPECT_FALSE(topics.is_due(10'004));
  EXPECT_TRUE(topics.is_due(10'005));
}

TEST(SysTopicsTest, IsNeverDueWithAnIntervalOf0) { EXPECT_FALSE(SysTopics(std::chrono::seconds(0)).is_due(1'000'000)); }

}  // namespace
}  // namespace dedup
