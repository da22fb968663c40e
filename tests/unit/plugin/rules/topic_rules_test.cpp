#include "plugin/core/rules/topic_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RuleSet Parse(const std::string& rules, DefaultRule default_rule = {}) {
  RulesFile file = ParseRules("{\"rules\":[" + rules + "]}", default_rule);
  EXPECT_THAT(file.errors, IsEmpty());
  return file.rules.value_or(RuleSet{});
}

std::vector<int> NumbersOf(const Candidates& candidates) {
  std::vector<int> numbers;
  for (const Candidates::Rule& rule : candidates.rules) numbers.push_back(rule.number);
  if (candidates.has_default) numbers.push_back(-1);
  return numbers;
}

TEST(TopicRulesTest, ShowsATopicToItsRulesInTheirOrder) {
  const RuleSet set =
      Parse(R"({"name":"a","topics":["a/#"],"key":["/id"]},{"name":"b","topics":["+/b"],"key":["/id"]})",
            {.topics = {"a/b", "c"}, .id_property = "p", .id_member = "m"});
  TopicRules rules(set, 1);
  for (int i = 0; i < 2; ++i) {  // when it is new, and when it is known
    EXPECT_THAT(NumbersOf(rules.Of("a/b")), ElementsAre(0, 1, -1));
    EXPECT_THAT(NumbersOf(rules.Of("a/c")), ElementsAre(0));
    EXPECT_THAT(NumbersOf(rules.Of("c/b")), ElementsAre(1));
    EXPECT_THAT(NumbersOf(rules.Of("c")), ElementsAre(-1));
    EXPECT_THAT(NumbersOf(rules.Of("d")), IsEmpty());
  }
}

TEST(TopicRulesTest, ThereAreNoneForTopicsThatAreNotDeduplicated) {
  const RuleSet set = Parse("");
  TopicRules rules(set, 1);
  EXPECT_THAT(NumbersOf(rules.Of("a")), ElementsAre(-1));
  EXPECT_THAT(NumbersOf(rules.Of("$SYS/a")), IsEmpty());
  EXPECT_THAT(NumbersOf(rules.Of("$")), IsEmpty());
  EXPECT_THAT(NumbersOf(rules.Of("")), IsEmpty());
  EXPECT_THAT(NumbersOf(rules.Of(std::string(65535, 'x'))), ElementsAre(-1));
  EXPECT_THAT(NumbersOf(rules.Of(std::string(65536, 'x'))), IsEmpty());
}

TEST(TopicRulesTest, TopicsWithTheSameRulesShareWhatIsPutTogether) {
  const RuleSet set = Parse(R"({"name":"a","topics":["a/#"],"key":["/id"]})");
  TopicRules rules(set, 1);
  const Candidates* const first = &rules.Of("a/1");
  EXPECT_EQ(&rules.Of("a/2"), first);
  EXPECT_NE(&rules.Of("b"), first);
}

// Ten rules of which topics have up to three, each with 16 KB of names: together more than is kept.
TEST(TopicRulesTest, ForgetsWhatItHasPutTogetherWhenThatIsTooMuch) {
  std::string text;
  for (int i = 0; i < 10; ++i) {
    std::string filters;
    for (int level = 1; level <= 3; ++level) {
      filters += std::string(level == 1 ? "" : ",") + "\"" +
                 (level == 1   ? ""
                  : level == 2 ? "+/"
                               : "+/+/") +
                 "x" + std::to_string(i) + "/#\"";
    }
    std::string parts;
    for (int part = 0; part < 16; ++part) {
      parts +=
          std::string(part == 0 ? "" : ",") + "\"/" + std::string(1000, 'k') + std::to_string(16 * i + part) + "\"";
    }
    text += std::string(i == 0 ? "" : ",") + R"({"name":"r)" + std::to_string(i) + R"(","topics":[)" + filters +
            R"(],"key":[)" + parts + "]}";
  }
  const RuleSet set = Parse(text);
  TopicRules rules(set, 1);
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 1000; ++i) {
      const std::string topic = "x" + std::to_string(i / 100) + "/x" + std::to_string(i / 10 % 10) + "/x" +
                                std::to_string(i % 10) + "/" + std::to_string(round);
      std::vector<int> expected = {i / 100, i / 10 % 10, i % 10, 99};
      std::sort(expected.begin(), expected.end());
      expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
      expected.back() = -1;
      ASSERT_EQ(NumbersOf(rules.Of(topic)), expected) << topic;
    }
  }
}

}  // namespace
}  // namespace dedup
