#include "plugin/core/rules/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExplainTest : public testing::Test {
 protected:
  ExplainTest()
      : finder_(std::move(*ParseRules(R"({"rules":[
          {"name":"watch","topics":["#"],"key":["client","?/n"],"mode":"observe"},
          {"name":"watch2","topics":["#"],"key":["client"],"mode":"observe"},
          {"name":"two","topics":["a/#"],"key":["/o/x|property:x","/y"],"ignore_levels":[2]},
          {"name":"pb","topics":["a/#"],"key":["pb:1"]},
          {"name":"rest","topics":["r"],"key":["payload"],"ignore":["/n"],"window":"1m"}]})",
                                      {})
                               .rules),
                {1}) {}

  Explanation Ask(const std::string& topic, const std::string& payload, std::span<const UserProperty> properties = {}) {
    return Explain(finder_, {topic, payload, "c1", "", properties});
  }

  KeyFinder finder_;
};

TEST_F(ExplainTest, TellsWhatTheRulesHaveFound) {
  const UserProperty property = {"x", "p"};
  const Explanation explanation = Ask("a/b", R"({"y":"a|b","n":7})", {&property, 1});
  ASSERT_EQ(explanation.asked.size(), 2U);
  EXPECT_EQ(explanation.finding.status, FindStatus::kKey);
  EXPECT_EQ(explanation.payload_note, "");

  const Explanation::Asked& observed = explanation.asked[0];
  EXPECT_EQ(observed.rule, "watch");
  EXPECT_TRUE(observed.observes);
  EXPECT_TRUE(observed.makes_key);
  EXPECT_EQ(observed.scope, "a/b");
  EXPECT_EQ(observed.key_text, "c1|7");

  const Explanation::Asked& decided = explanation.asked[1];
  EXPECT_EQ(decided.rule, "two");
  EXPECT_FALSE(decided.observes);
  EXPECT_TRUE(decided.makes_key);
  EXPECT_EQ(decided.scope, "a/+");
  EXPECT_EQ(decided.why_not, "");
  EXPECT_EQ(decided.key_text, R"(p|a\|b)");
  ASSERT_EQ(decided.parts.size(), 2U);
  EXPECT_EQ(decided.parts[0].part, "/o/x|property:x");
  EXPECT_EQ(decided.parts[0].source, "property:x");
  EXPECT_EQ(decided.parts[0].found, "string");
  EXPECT_EQ(decided.parts[0].text, "p");
  EXPECT_EQ(decided.parts[1].text, R"(a\|b)");
}

TEST_F(ExplainTest, TellsWhyARuleMakesNoKey) {
  const Explanation explanation = Ask("a/b", R"({"o":{"x":1,"x":2}})");
  ASSERT_EQ(explanation.asked.size(), 4U);
  EXPECT_EQ(explanation.finding.status, FindStatus::kNone);
  EXPECT_EQ(explanation.asked[1].why_not,
            "/o/x|property:x is in doubt: an object on the way to it has a member twice; /y is missing");
  EXPECT_EQ(explanation.asked[1].parts[0].found, "in doubt");
  EXPECT_EQ(explanation.asked[1].parts[1].found, "missing");
  EXPECT_EQ(explanation.asked[2].rule, "pb");
  EXPECT_EQ(explanation.asked[2].why_not, "pb:1 is missing");
  EXPECT_EQ(explanation.asked[3].rule, "default");
  EXPECT_EQ(explanation.asked[3].why_not, "property:event_id|/event_id is missing");
  EXPECT_EQ(explanation.payload_note, "the payload is no protobuf message");
}

TEST_F(ExplainTest, TellsWhatStandsThereAndDoesNotCount) {
  const auto why_not = [this](const std::string& payload) { return Ask("a/b", payload).asked[1].why_not; };
  constexpr char kRest[] = " stands at /y, where a text, a number, true or false would count";
  EXPECT_EQ(why_not(R"({"o":{"x":1},"y":{"a":1}})"), std::string("/y is missing: an object") + kRest);
  EXPECT_EQ(why_not(R"({"o":{"x":1},"y":[1]})"), std::string("/y is missing: an array") + kRest);
  EXPECT_EQ(why_not(R"({"o":{"x":1},"y":null})"), std::string("/y is missing: null") + kRest);
  EXPECT_EQ(why_not(R"({"o":{"x":1},"y":""})"), std::string("/y is missing: an empty text") + kRest);
  EXPECT_THAT(why_not(R"({"o":{"x":[]},"y":1})"), HasSubstr("|property:x is missing: an array stands at /o/x, "));
  EXPECT_EQ(Ask("r", "21.5 C").asked[1].why_not,
            "payload is missing: the rule has members to ignore, and the payload is no JSON");
}

TEST_F(ExplainTest, TellsWhereAPayloadIsNoJson) {
  EXPECT_EQ(Ask("a/b", R"({"y":NaN})").payload_note,
            "the payload is no JSON: expected a value, at byte 6; it is no protobuf message either");
  EXPECT_EQ(Ask("b", R"({"event_id":NaN})").asked.back().why_not,
            "the payload names event_id, but is no valid JSON object");
  EXPECT_THAT(Ask("b", R"({"event_id":null})").asked.back().why_not, HasSubstr("no string of 1 to 256 bytes"));
}

TEST_F(ExplainTest, TellsOfTheDefaultRule) {
  const Explanation explanation = Ask("b", R"({"event_id":"e1"})");
  ASSERT_EQ(explanation.asked.size(), 2U);
  EXPECT_EQ(explanation.asked[1].rule, "default");
  EXPECT_TRUE(explanation.asked[1].makes_key);
  EXPECT_EQ(explanation.asked[1].key_text, "e1");
  EXPECT_EQ(explanation.asked[1].scope, "b");
  EXPECT_EQ(explanation.asked[1].parts[0].source, "/event_id");
  const UserProperty property = {"event_id", "p"};
  EXPECT_EQ(Ask("b", "", {&property, 1}).asked[1].parts[0].source, "property:event_id");
}

TEST_F(ExplainTest, ATopicThatIsNotDeduplicatedHasNoRules) { EXPECT_THAT(Ask("$SYS/x", "{}").asked, IsEmpty()); }

TEST_F(ExplainTest, CountsNothing) {
  Ask("a/b", R"({"y":1})");
  for (std::size_t rule = 0; rule <= 5; ++rule) EXPECT_EQ(finder_.counts(rule).matched, 0U);
  finder_.Find({"a/b", "{}", "c", "", {}});
  EXPECT_EQ(finder_.counts(0).matched, 1U);
  Ask("a/b", R"({"y":1})");
  EXPECT_EQ(finder_.counts(0).matched, 1U);
}

}  // namespace
}  // namespace dedup
