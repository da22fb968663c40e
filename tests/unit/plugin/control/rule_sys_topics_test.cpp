#include "plugin/core/control/rule_sys_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::milliseconds kInterval{10'000};

std::vector<std::string> Lines(const std::vector<SysMessage>& messages) {
  std::vector<std::string> lines;
  for (const SysMessage& message : messages) lines.push_back(message.topic + " " + message.payload);
  return lines;
}

TEST(RuleSysTopicsTest, TellsAllAtFirstAndThenWhatHasChanged) {
  RuleSysTopics topics(kInterval);
  EXPECT_TRUE(topics.is_due(0));
  EXPECT_THAT(Lines(topics.Take(0, {{"wis2", {.matched = 3, .keyed = 2, .processed = 2}}})),
              ElementsAre("$SYS/broker/dedup/rules/wis2/matched 3", "$SYS/broker/dedup/rules/wis2/keyed 2",
                          "$SYS/broker/dedup/rules/wis2/without_key 1", "$SYS/broker/dedup/rules/wis2/processed 2",
                          "$SYS/broker/dedup/rules/wis2/duplicates 0", "$SYS/broker/dedup/rules/wis2/compared 0",
                          "$SYS/broker/dedup/rules/wis2/conflicts 0"));
  EXPECT_FALSE(topics.is_due(9'999));
  EXPECT_TRUE(topics.is_due(10'000));
  EXPECT_THAT(Lines(topics.Take(10'000, {{"wis2", {.matched = 4, .keyed = 3, .processed = 2, .duplicates = 1}}})),
              ElementsAre("$SYS/broker/dedup/rules/wis2/matched 4", "$SYS/broker/dedup/rules/wis2/keyed 3",
                          "$SYS/broker/dedup/rules/wis2/duplicates 1"));
}

TEST(RuleSysTopicsTest, ARuleThatIsGoneIsCleared) {
  RuleSysTopics topics(kInterval);
  topics.Take(0, {{"a", {}}, {"b", {}}});
  const std::vector<SysMessage> messages = topics.Take(10'000, {{"b", {}}});
  ASSERT_EQ(messages.size(), std::size(kRuleFigures));
  for (const SysMessage& message : messages) {
    EXPECT_THAT(message.topic, testing::StartsWith("$SYS/broker/dedup/rules/a/"));
    EXPECT_EQ(message.payload, "");
  }
  EXPECT_THAT(topics.Take(20'000, {{"b", {}}}), IsEmpty());
}

TEST(RuleSysTopicsTest, ManyRulesComeByAndBy) {
  std::vector<NamedCounters> rules;
  for (int i = 0; i < 1000; ++i) rules.push_back({"r" + std::to_string(i), {}});
  RuleSysTopics topics(kInterval);
  std::map<std::string, int> times;
  for (int calls = 0; topics.is_due(0); ++calls) {
    ASSERT_LT(calls, 100);
    const std::vector<SysMessage> messages = topics.Take(0, rules);
    EXPECT_LE(messages.size(), RuleSysTopics::kMessagesMax + std::size(kRuleFigures));
    for (const SysMessage& message : messages) ++times[message.topic];
  }
  EXPECT_EQ(times.size(), 1000 * std::size(kRuleFigures));
  for (const auto& [topic, count] : times) EXPECT_EQ(count, 1) << topic;
}

TEST(RuleSysTopicsTest, AnIntervalOfZeroMeansNever) {
  EXPECT_FALSE(RuleSysTopics(std::chrono::milliseconds(0)).is_due(1'000'000));
}

}  // namespace
}  // namespace dedup
