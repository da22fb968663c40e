#include "plugin/core/rules/rule_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Rule MakeRule(std::string name, std::vector<std::string> topics, std::vector<std::string_view> key) {
  Rule rule;
  rule.name = std::move(name);
  rule.topics = std::move(topics);
  std::string problem;
  for (const std::string_view part : key) rule.key.push_back(*ParsePart(part, &problem));
  return rule;
}

RuleSet MakeSet(std::vector<Rule> rules) {
  RuleSet set;
  set.rules = std::move(rules);
  return set;
}

TEST(RuleSetTest, TheDefaultRuleHasTheNumberBehindTheOthers) {
  RuleSet set = MakeSet({MakeRule("a", {"a"}, {"/id"}), MakeRule("b", {"b"}, {"/id"})});
  EXPECT_EQ(set.Find("a"), 0U);
  EXPECT_EQ(set.Find("b"), 1U);
  EXPECT_EQ(set.Find("default"), 2U);
  EXPECT_EQ(set.Find("c"), std::nullopt);
  EXPECT_EQ(set.NameOf(1), "b");
  EXPECT_EQ(set.NameOf(2), "default");
  set.default_rule.reset();
  EXPECT_EQ(set.Find("default"), std::nullopt);
}

TEST(RuleSetTest, EventTopicsAreThoseOfAllRulesThatDoMoreThanObserve) {
  Rule observer = MakeRule("o", {"observed"}, {"/id"});
  observer.mode = RuleMode::kObserve;
  RuleSet set = MakeSet({MakeRule("a", {"a/#", "b"}, {"/id"}), observer, MakeRule("c", {"b", "c"}, {"/id"})});
  set.default_rule->topics = {"d", "a/#"};
  EXPECT_THAT(EventTopics(set), ElementsAre("a/#", "b", "c", "d"));
  set.default_rule.reset();
  EXPECT_THAT(EventTopics(set), ElementsAre("a/#", "b", "c"));
  EXPECT_THAT(EventTopics({}), ElementsAre("#"));
}

TEST(RuleSetTest, WarnsOfARuleThatCannotBeReached) {
  EXPECT_THAT(
      UnreachableRules(MakeSet({MakeRule("all", {"a/#"}, {"client"}), MakeRule("late", {"a/b", "a/+"}, {"/id"})})),
      ElementsAre(AllOf(HasSubstr("rule 'late' can never be reached"), HasSubstr("earlier rule 'all'"))));
  EXPECT_THAT(UnreachableRules(MakeSet({MakeRule("all", {"#"}, {"client"})})),
              ElementsAre(HasSubstr("rule 'default' can never be reached")));
}

TEST(RuleSetTest, DoesNotWarnOfARuleThatCanBeReached) {
  // Another topic, a part that may be missing, or only topics of several rules together.
  EXPECT_THAT(UnreachableRules(MakeSet({MakeRule("a", {"a/#"}, {"client"}), MakeRule("b", {"a/b", "b"}, {"/id"})})),
              IsEmpty());
  EXPECT_THAT(UnreachableRules(MakeSet({MakeRule("a", {"a/#"}, {"/id"}), MakeRule("b", {"a/b"}, {"/id"})})), IsEmpty());
  // One that observes leaves its messages to those that do more; not to others that observe.
  Rule observer = MakeRule("a", {"a/#"}, {"client"});
  observer.mode = RuleMode::kObserve;
  Rule later = MakeRule("b", {"a/b"}, {"/id"});
  EXPECT_THAT(UnreachableRules(MakeSet({observer, later})), IsEmpty());
  later.mode = RuleMode::kObserve;
  EXPECT_THAT(UnreachableRules(MakeSet({observer, later})), ElementsAre(HasSubstr("'b'")));
}

}  // namespace
}  // namespace dedup
