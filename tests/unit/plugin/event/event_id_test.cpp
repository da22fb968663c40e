#include "plugin/core/event/event_id.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace dedup {

void PrintTo(EventIdStatus status, std::ostream* out) {
  *out << (status == EventIdStatus::kFound ? "found" : status == EventIdStatus::kNone ? "none" : "invalid");
}

namespace {

using namespace std::string_literals;

class EventIdTest : public testing::Test {
 protected:
  void Found(const std::string& payload, const std::string& id) {
    const EventId found = Find(payload);
    EXPECT_EQ(found.status, EventIdStatus::kFound) << payload;
    EXPECT_EQ(found.text, id) << payload;
  }
  void None(const std::string& payload) { Without(payload, EventIdStatus::kNone); }
  void Invalid(const std::string& payload) { Without(payload, EventIdStatus::kInvalid); }

  std::string member_ = "event_id";

 private:
  EventId Find(const std::string& payload) { return EventIdSearch(payload, member_, buffer_).Finish(); }
  void Without(const std::string& payload, EventIdStatus status) {
    const EventId found = Find(payload);
    EXPECT_EQ(found.status, status) << payload;
    EXPECT_EQ(found.text, "") << payload;
  }
  EventIdBuffer buffer_;
};

std::string WithId(const std::string& text) { return "{\"event_id\":\"" + text + "\"}"; }

std::string Repeat(std::string_view text, int times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

TEST_F(EventIdTest, IsATopLevelString) {
  Found(R"({"event_id":"a"})", "a");
  Found(R"({"event_id":"12"})", "12");
  Found(R"({"event_id":" a "})", " a ");
  Found(R"({"event_id":"größe"})", "größe");
  Found(" {\t\"event_id\" :\n\"a\"\r} ", "a");
  Found(R"({"x":[{"event_id":"inner"}],"event_id":"a","y":{}})", "a");
}

TEST_F(EventIdTest, IsAnIntegerByItsDecimalText) {
  Found(R"({"event_id":12})", "12");
  Found(R"({"event_id":0})", "0");
  Found(R"({"event_id":-7})", "-7");
  Found(R"({"event_id":-0})", "-0");
  Found(R"({"event_id":123456789012345678901234567890})", "123456789012345678901234567890");
  Found("{\"event_id\":" + std::string(256, '9') + "}", std::string(256, '9'));
}

TEST_F(EventIdTest, OtherTypesAreInvalid) {
  for (const char* const value :
       {"1.0", "1e3", "1E3", "-1.5", "true", "false", "null", "{}", "[]", R"(["a"])", R"({"event_id":"a"})"}) {
    Invalid("{\"event_id\":"s + value + "}");
  }
}

TEST_F(EventIdTest, Has1To256Bytes) {
  Invalid(WithId(""));
  Found(WithId(std::string(256, 'x')), std::string(256, 'x'));
  Invalid(WithId(std::string(257, 'x')));
  Invalid("{\"event_id\":" + std::string(257, '9') + "}");
  Found(WithId(Repeat("ö", 128)), Repeat("ö", 128));
  Invalid(WithId(Repeat("ö", 128) + "x"));
}

TEST_F(EventIdTest, IsMeasuredAndComparedAfterUnescaping) {
  Found(WithId(R"(\u0041)"), "A");
  Found(WithId(R"(a\/b\"c\\\n)"), "a/b\"c\\\n");
  Found(WithId(R"(\u00e4\ud83d\ude00)"), "ä😀");
  Found(WithId(Repeat(R"(\u0041)", 256)), std::string(256, 'A'));
  Invalid(WithId(Repeat(R"(\u0041)", 257)));
  Found(WithId(Repeat(R"(\ud83d\ude00)", 64)), Repeat("😀", 64));
  Invalid(WithId(Repeat(R"(\ud83d\ude00)", 64) + "x"));
}

TEST_F(EventIdTest, MayHoldANulByte) {
  Found(WithId(R"(\u0000)"), "\0"s);
  Found(WithId(R"(a\u0000b)"), "a\0b"s);
}

TEST_F(EventIdTest, OfRepeatedMembersTheFirstCounts) {
  Found(R"({"event_id":"a","event_id":"b"})", "a");
  Found(R"({"event_id":1,"event_id":null})", "1");
  Invalid(R"({"event_id":null,"event_id":"b"})");
}

TEST_F(EventIdTest, TheMembersNameIsComparedAfterUnescaping) {
  Found(R"({"\u0065vent\u005fid":"a"})", "a");
  Found(R"({"\u0065vent_id":"a","event_id":"b"})", "a");
  None(R"({"event\\_id":"a"})");
  Found(R"({"\n":"\t","event_id":"a"})", "a");
  member_ = R"(a\nb)";
  None(R"({"a\nb":"as it stands, but not as it reads"})");
  Found(R"({"a\\nb":"x"})", "x");
}

TEST_F(EventIdTest, IsAbsentWithoutAMemberOfThatName) {
  for (const char* const payload :
       {"{}", R"({"id":"a"})", R"({"Event_id":"a"})", R"({"event_id ":"a"})", R"({"event_i":"a"})",
        R"({"event_id2":"a"})", R"({"payload":{"event_id":"a"}})", R"({"":1})"}) {
    None(payload);
  }
}

TEST_F(EventIdTest, IsAbsentWhereThePayloadIsNotOneJsonObject) {
  for (const char* const payload :
       {"", " ", "hello", "12", "\"event_id\"", "null", "[]", R"([{"event_id":"a"}])", R"({"event_id":"a")",
        R"({"event_id":"a"}x)", R"({"event_id":"a"}{})", R"({"event_id":"a","b"})", R"({"event_id":"a","b":01})",
        R"({"event_id":"a",})", R"({"event_id":"a","b":[1,2})", "{\"event_id\":\"a\",\"b\":\"\xFF\"}",
        R"({"event_id":"a","b":"\ud800"})", R"({"event_id":null,"b":})", "\xEF\xBB\xBF{\"event_id\":\"a\"}"}) {
    None(payload);
  }
}

TEST_F(EventIdTest, TheMembersNameIsAnOption) {
  member_ = "id";
  Found(R"({"event_id":"a","id":"b"})", "b");
  None(R"({"event_id":"a"})");
  member_ = "größe";
  Found(R"({"gr\u00f6\u00dfe":"a"})", "a");
  member_ = "";
  Found(R"({"":"a"})", "a");
}

TEST_F(EventIdTest, PlainTextIsCheckedForItsSizeAlone) {
  EXPECT_EQ(CheckEventId("a").text, "a");
  EXPECT_EQ(CheckEventId("").status, EventIdStatus::kInvalid);
  EXPECT_EQ(CheckEventId(std::string(256, 'x')).status, EventIdStatus::kFound);
  EXPECT_EQ(CheckEventId(std::string(257, 'x')).status, EventIdStatus::kInvalid);
}

}  // namespace
}  // namespace dedup
