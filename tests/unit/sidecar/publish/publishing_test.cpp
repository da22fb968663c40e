#include "http_sidecar/publish/publishing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

namespace dedup::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(PublishOptionsTest, AreRead) {
  const auto options = std::get<PublishOptions>(ParsePublishOptions("/publish?qos=2&retain=true&results=full"));
  EXPECT_EQ(options.qos, 2);
  EXPECT_TRUE(options.retain);
  EXPECT_TRUE(options.full_results);
  const auto none = std::get<PublishOptions>(ParsePublishOptions("/publish"));
  EXPECT_EQ(none.qos, 1);
  EXPECT_FALSE(none.retain || none.full_results);
}

TEST(PublishOptionsTest, AProblemNamesTheParameter) {
  for (const std::string query : {"qos=3", "qos=", "qos=-1", "retain=1", "results=all"}) {
    const auto parsed = ParsePublishOptions("/publish?" + query);
    ASSERT_TRUE(std::holds_alternative<Problem>(parsed)) << query;
    EXPECT_EQ(std::get<Problem>(parsed).type.name, "invalid-parameter");
    EXPECT_THAT(std::get<Problem>(parsed).detail, StartsWith(query.substr(0, query.find('=')) + " takes "));
  }
}

bool IsSamePayload(std::string_view event_json, std::string_view other_event_json) {
  return HashOfPayload(event_json) == HashOfPayload(other_event_json);
}

TEST(SamePayloadTest, WhitespaceBetweenTokensDoesNotCount) {
  EXPECT_TRUE(
      IsSamePayload(R"({"payload":{"a":[1,"x y"]}})", "{\"x\":1, \"payload\" : {\n\"a\": [ 1,\t\"x y\" ]}\r\n}"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":"x y"})", R"({"payload":"xy"})"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":"\" x"})", R"({"payload":"\"x"})"));
  EXPECT_TRUE(IsSamePayload(R"({"payload":"\" x"})", R"({"payload":"\" x"})"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":1})", R"({"payload":1.0})"));
}

TEST(SamePayloadTest, NoneIsLikeNone) {
  EXPECT_TRUE(IsSamePayload(R"({"a":1})", R"({"b":2})"));
  EXPECT_FALSE(IsSamePayload(R"({"a":1})", R"({"payload":null})"));
  EXPECT_TRUE(IsSamePayload("no JSON", R"({"a":1})"));
}

TEST(LinesTest, EachLineIsAnEventOrAFlaw) {
  const std::string good = R"({"topic":"t","event_id":"a","timestamp":"2024-01-01"})";
  const Lines lines = ParseLines(good + "\n\n" + "{\n" + good + "\r\n[" + good + "]\n{}", 10);
  EXPECT_EQ(lines.batch->events.size(), 2U);
  EXPECT_THAT(lines.indexes, ElementsAre(10, 13));
  ASSERT_EQ(lines.flaws.size(), 3U);
  EXPECT_EQ(lines.flaws[0].index, 12U);
  EXPECT_THAT(lines.flaws[0].problem.detail, HasSubstr("invalid JSON"));
  EXPECT_EQ(lines.flaws[1].index, 14U);
  EXPECT_THAT(lines.flaws[1].problem.detail, HasSubstr("not a JSON object"));
  EXPECT_EQ(lines.flaws[2].index, 15U);
  EXPECT_THAT(lines.flaws[2].problem.detail, HasSubstr("events[15].topic: is missing"));
}

}  // namespace
}  // namespace dedup::sidecar
