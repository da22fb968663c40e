#include "command/traffic/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/support/made_capture.h"

namespace dedup::command {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<std::string> FiltersOf(const Capture& capture) {
  std::vector<std::string> filters;
  for (const Group& group : GroupsOf(capture.messages())) filters.push_back(group.Filter());
  return filters;
}

TEST(GroupingTest, LevelsThatVaryAreWildcards) {
  MadeCapture made;
  for (const char* room : {"hall", "bath", "attic"})
    made.Say(1, std::string("zigbee2mqtt/") + room, R"({"temperature":20,"linkquality":90})");
  EXPECT_THAT(FiltersOf(made.Done()), ElementsAre("zigbee2mqtt/+"));
}

TEST(GroupingTest, ALevelThatLooksLikeAnIdIsOneThoughThereIsNoOther) {
  MadeCapture made;
  made.Say(1, "application/5f1c2a44-1111-4abc-8def-001122334455/device/0102030405060708/event/up", R"({"fCnt":1})");
  EXPECT_THAT(FiltersOf(made.Done()), ElementsAre("application/+/device/+/event/up"));
}

TEST(GroupingTest, KnowsIdsByTheirLooks) {
  for (const char* level : {"0102030405060708", "5f1c2a44-1111-4abc-8def-001122334455", "AA:BB:CC:DD:EE:01",
                            "shellyplus1-a8032ab12345", "!7efeee00", "350123456789012", "1001"}) {
    EXPECT_TRUE(LooksLikeId(level)) << level;
  }
  for (const char* level : {"", "kitchen", "v1", "EU_868", "2", "spBv1.0", "facade", "LongFast", "BTtoMQTT"})
    EXPECT_FALSE(LooksLikeId(level)) << level;
}

TEST(GroupingTest, OtherMembersAreAnotherGroup) {
  MadeCapture made;
  for (int i = 0; i < 5; ++i) {
    made.Say(i, "zigbee2mqtt/hall", R"({"temperature":20,"humidity":50,"linkquality":90})");
    made.Say(i, "zigbee2mqtt/switch", R"({"action":"on","battery":50})");
  }
  EXPECT_THAT(FiltersOf(made.Done()), UnorderedElementsAre("zigbee2mqtt/switch", "zigbee2mqtt/hall"));
}

TEST(GroupingTest, AnOptionalMemberIsNoOtherGroup) {
  MadeCapture made;
  for (int i = 0; i < 6; ++i)
    made.Say(i, "a/b", i % 2 == 0 ? R"({"x":1,"y":2,"z":3})" : R"({"x":1,"y":2,"z":3,"button":1})");
  EXPECT_EQ(GroupsOf(made.Done().messages()).size(), 1u);
}

TEST(GroupingTest, TopicsThatShareNothingArePartedThoughTheirMembersAreTheSame) {
  MadeCapture made;
  made.Say(1, "plant/line", R"({"value":1})");
  made.Say(2, "farm/barn", R"({"value":2})");
  EXPECT_THAT(FiltersOf(made.Done()), UnorderedElementsAre("plant/line", "farm/barn"));
}

TEST(GroupingTest, DepthPartsTopics) {
  MadeCapture made;
  made.Say(1, "a/b", R"({"value":1})");
  made.Say(2, "a/b/c", R"({"value":1})");
  EXPECT_EQ(GroupsOf(made.Done().messages()).size(), 2u);
}

TEST(GroupingTest, FindsOutWhatPayloadsAre) {
  MadeCapture made;
  for (int i = 0; i < 40; ++i) {
    const std::string inner("\x08" + std::string(1, static_cast<char>(i + 1)));
    made.Say(i, "pb/x",
             "\x0A\x02" + inner +
                 "\x12\x05"
                 "hello");
    made.Say(i, "text/x/y", "t|21.5");
    made.Say(i, "bin/x/y/z", std::string("\xFF\xFE\0\x01", 4));
    made.Say(i, "json/x/y/z/u", "[1]");
  }
  for (const Group& group : GroupsOf(made.Done().messages())) {
    const std::string filter = group.Filter();
    EXPECT_EQ(group.format, filter[0] == 'p'   ? Format::kProtobuf
                            : filter[0] == 'j' ? Format::kJson
                                               : Format::kOpaque)
        << filter;
    EXPECT_EQ(group.nested_fields, filter[0] == 'p' ? std::vector<std::string>{"1"} : std::vector<std::string>{})
        << filter;
  }
}

TEST(GroupingTest, ManyKindsOfJsonOnTheSameTopicAreLookedAtAsOne) {
  MadeCapture made;
  for (const char* payload : {R"({"a":1,"b":1})", R"({"c":1,"d":1})", R"({"e":1,"f":1})", R"({"g":1,"h":1})"})
    made.Say(1, "all/here", payload);
  const std::vector<Group> groups = GroupsOf(made.Done().messages());
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_TRUE(groups[0].is_mixed);
  EXPECT_THAT(groups[0].rows, ElementsAre(0, 1, 2, 3));
}

TEST(GroupingTest, AMemberAndAPropertyOfOneNameAreOne) {
  MadeCapture made;
  made.Say(1, "ce/north", R"({"specversion":"1.0","id":"a","source":"/s","type":"t","data":{"x":1}})");
  made.Say(2, "ce/south", R"({"x":1})", {}, {{"specversion", "1.0"}, {"id", "a"}, {"source", "/s"}, {"type", "t"}});
  const std::vector<Group> groups = GroupsOf(made.Done().messages());
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_TRUE(groups[0].has_two_forms);
}

}  // namespace
}  // namespace dedup::command
