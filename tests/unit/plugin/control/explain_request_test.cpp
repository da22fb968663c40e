#include "plugin/core/control/explain_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

using testing::HasSubstr;

TEST(ExplainRequestTest, ReadsAMessage) {
  std::string problem;
  auto request = ExplainRequest::Read(
      R"({"command":"explain","correlationData":"7","topic":"a\/b","payload":"21.5","client_id":"c","username":"u",)"
      R"("properties":[["id","1"],["id","2"]]})",
      &problem);
  ASSERT_TRUE(request) << problem;
  const Publish view = request->View();
  EXPECT_EQ(view.topic, "a/b");
  EXPECT_EQ(view.payload, "21.5");
  EXPECT_EQ(view.client_id, "c");
  EXPECT_EQ(view.username, "u");
  ASSERT_EQ(view.user_properties.size(), 2u);
  EXPECT_EQ(view.user_properties[1].name, "id");
  EXPECT_EQ(view.user_properties[1].value, "2");
}

TEST(ExplainRequestTest, APayloadMayBeAValueOrBytes) {
  std::string problem;
  auto value = ExplainRequest::Read(R"({"topic":"a","payload":{"n": 1.50}})", &problem);
  ASSERT_TRUE(value) << problem;
  EXPECT_EQ(value->View().payload, R"({"n": 1.50})");
  auto bytes = ExplainRequest::Read(R"({"topic":"a","payload_base64":"AP8=","properties":{"k":"v"}})", &problem);
  ASSERT_TRUE(bytes) << problem;
  EXPECT_EQ(bytes->View().payload, std::string("\0\xff", 2));
  EXPECT_EQ(bytes->View().user_properties[0].value, "v");
  auto nothing = ExplainRequest::Read(R"({"topic":"a"})", &problem);
  ASSERT_TRUE(nothing) << problem;
  EXPECT_EQ(nothing->View().payload, "");
}

TEST(ExplainRequestTest, SaysWhatIsWrongAndWhatIsExpected) {
  for (const auto& [members, expected] : {
           std::pair{R"("payload":"x")", "topic is missing"},
           {R"("topic":7)", "topic must be a string"},
           {R"("topic":"")", "without wildcards"},
           {R"("topic":"a/#")", "without wildcards"},
           {R"("topic":"a\u0000")", "without U+0000"},
           {R"("topic":"a","client_id":null)", "client_id must be a string"},
           {R"("topic":"a","username":[])", "username must be a string"},
           {R"("topic":"a","payload_base64":5)", "payload_base64 must be a string"},
           {R"("topic":"a","payload_base64":"%")", "payload_base64 is no base64"},
           {R"("topic":"a","payload":"x","payload_base64":"eA==")", "there is a payload already"},
           {R"("topic":"a","properties":"x")", "properties takes"},
           {R"("topic":"a","properties":{"a":1})", "properties takes"},
           {R"("topic":"a","properties":[["a"]])", "properties takes"},
           {R"("topic":"a","properties":[["a","b","c"]])", "properties takes"},
           {R"("topic":"a","properties":[["a",1]])", "properties takes"},
           {R"("topic":"a","properties":["a"])", "properties takes"},
           {R"("topic":"a","qos":1)", "unknown member 'qos'; expected topic"},
       }) {
    std::string problem;
    EXPECT_FALSE(ExplainRequest::Read("{" + std::string(members) + "}", &problem)) << members;
    EXPECT_THAT(problem, HasSubstr(expected)) << members;
  }
}

class ExplainedJsonTest : public testing::Test {
 protected:
  std::string JsonOf(const Publish& publish, const Outcome& outcome, bool is_observed_copy = false) {
    RulesFile file =
        ParseRules(R"({"rules":[{"name":"o","topics":["a/#"],"key":["payload"],"mode":"observe","window":"1m"},)"
                   R"({"name":"id","topics":["a/#"],"key":["/from|/source","?/n"]}]})",
                   {});
    KeyFinder finder(*std::move(file.rules), {1, 2, 3});
    return ExplainedJson({Explain(finder, publish), outcome, is_observed_copy});
  }
};

TEST_F(ExplainedJsonTest, TellsTheVerdictAndEachRuleThatWasAsked) {
  const std::string json = JsonOf({"a/b", R"({"source":"x"})", {}, {}, {}}, {Verdict::kDuplicate, 17}, true);
  EXPECT_THAT(json, testing::StartsWith(R"({"verdict":"duplicate","seq":17,"rule":"id","key":"x|-",)"
                                        R"("observed":{"rule":"o","key":"#)"));
  EXPECT_THAT(json,
              HasSubstr(R"("is_copy":true},"asked":[{"rule":"o","observes":true,"makes_key":true,"scope":"a/b")"));
  EXPECT_THAT(json,
              HasSubstr(R"({"rule":"id","observes":false,"makes_key":true,"scope":"a/b","parts":[)"
                        R"({"part":"/from|/source","source":"/source","found":"string","text":"x"},)"
                        R"({"part":"?/n","source":null,"found":"missing","text":null}],"key":"x|-","why_not":null})"));
  EXPECT_THAT(json, testing::EndsWith(R"("payload_note":null})"));
}

TEST_F(ExplainedJsonTest, TellsWhyThereIsNoKey) {
  const std::string json = JsonOf({"b", "no JSON", {}, {}, {}}, {Verdict::kPassed, 0});
  EXPECT_THAT(json, testing::StartsWith(R"({"verdict":"passed","seq":null,"rule":null,"key":null,"observed":null,)"));
  EXPECT_THAT(json, HasSubstr(R"("why_not":"property:event_id|/event_id is missing")"));
}

}  // namespace
}  // namespace dedup
