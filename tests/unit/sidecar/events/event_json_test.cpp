#include "http_sidecar/events/event_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

namespace dedup::sidecar {
namespace {

constexpr char kTail[] = R"(,"seq":7,"received_at":"2024-02-29T12:34:56.000789Z"})";

std::string Row(std::string_view topic, std::string_view event_id, std::string_view payload) {
  std::string text;
  AppendEventJson({.seq = 7, .received_us = 1709210096000789, .topic = topic, .event_id = event_id, .payload = payload},
                  &text);
  return text;
}

TEST(EventJsonTest, MembersAreShownAsPosted) {
  EXPECT_EQ(Row("t/1", "A",
                R"({"topic":"t/1","event_id":"\u0041","timestamp":"2024-01-01T00:00:00+02:00","source":"s\/1",)"
                R"("payload":{"n":123456789012345678901234567890, "x":1.50}})"),
            R"({"topic":"t/1","event_id":"\u0041","timestamp":"2024-01-01T00:00:00+02:00","source":"s\/1",)"
            R"("payload":{"n":123456789012345678901234567890, "x":1.50})" +
                std::string(kTail));
}

TEST(EventJsonTest, EachEventHasItsOwnTopic) {
  for (const std::string topic : {"t/1", "t/1", "t/2", "t", "t/1", "", "", "t\"", "t"}) {
    const std::string quoted = topic == "t\"" ? R"("t\"")" : '"' + topic + '"';
    EXPECT_EQ(Row(topic, "a", "{}"),
              R"({"topic":)" + quoted + R"(,"event_id":"a","timestamp":null,"source":null,"payload":{})" + kTail);
  }
}

TEST(EventJsonTest, TheLargestSeqIsWhole) {
  std::string text;
  AppendEventJson({.seq = std::numeric_limits<std::uint64_t>::max(),
                   .received_us = std::numeric_limits<std::int64_t>::max(),
                   .topic = "t",
                   .event_id = "a",
                   .payload = "{}"},
                  &text);
  EXPECT_TRUE(text.ends_with(R"("seq":18446744073709551615,"received_at":"9999-12-31T23:59:59.999999Z"})")) << text;
}

std::string RuleRow(std::string_view key, std::string_view payload) {
  std::string text;
  AppendEventJson(
      {.seq = 7, .received_us = 1709210096000789, .topic = "t", .event_id = key, .rule = "mesh", .payload = payload},
      &text);
  return text;
}

TEST(EventJsonTest, WithARuleTheKeyIsShownAndTheEventIdIsThePayloadsOwn) {
  const std::string tail = R"(,"rule":"mesh","key":"1|\"7")" + std::string(kTail);
  EXPECT_EQ(RuleRow("1|\"7", R"({"from":1})"),
            R"({"topic":"t","event_id":null,"timestamp":null,"source":null,"payload":{"from":1})" + tail);
  EXPECT_EQ(RuleRow("1|\"7", R"({"topic":"t","event_id":"\u0061","timestamp":"x","source":"s","payload":2})"),
            R"({"topic":"t","event_id":"\u0061","timestamp":"x","source":"s","payload":2)" + tail);
  EXPECT_EQ(RuleRow("1|\"7", R"({"topic":"t","event_id":42,"timestamp":"x"})"),
            R"({"topic":"t","event_id":42,"timestamp":"x","source":null,"payload":null)" + tail);
  for (const std::string id : {"null", "true", "1.5", "[1]", "{}"}) {  // no ids
    const std::string payload = R"({"event_id":)" + id + R"(,"payload":1})";
    EXPECT_EQ(RuleRow("1|\"7", payload),
              R"({"topic":"t","event_id":null,"timestamp":null,"source":null,"payload":1,"message":)" + payload + tail);
  }
  EXPECT_EQ(RuleRow("1|\"7", ""),
            R"({"topic":"t","event_id":null,"timestamp":null,"source":null,"payload_base64":"")" + tail);
}

TEST(EventJsonTest, EscapedNamesAreNames) {
  EXPECT_EQ(Row("t", "a", R"({"\u0065vent_id":"a","t\u0069mestamp":1,"s\u006furce":2,"\u0070ayload":3})"),
            R"({"topic":"t","event_id":"a","timestamp":1,"source":2,"payload":3)" + std::string(kTail));
}

TEST(EventJsonTest, WhatWasPostedWithoutSourceAndPayloadHasNullForThem) {
  EXPECT_EQ(
      Row("t", "a", R"({"topic":"t","event_id":"a","timestamp":"2024-01-01"})"),
      R"({"topic":"t","event_id":"a","timestamp":"2024-01-01","source":null,"payload":null)" + std::string(kTail));
}

TEST(EventJsonTest, AnObjectWithoutPayloadIsItsOwn) {
  for (const std::string payload :
       {R"({"temperature":21.5})", R"({})", R"({"topic":"t","timestamp":1})",
        R"({"topic":"u","event_id":"b","timestamp":1})", R"({"topic":"t","event_id":"b","timestamp":1})",
        R"({"event_id":"b","v":1,"v":2})"}) {
    const std::string timestamp = payload.find("timestamp") == std::string::npos ? "null" : "1";
    EXPECT_EQ(Row("t", "a", payload), R"({"topic":"t","event_id":"a","timestamp":)" + timestamp +
                                          R"(,"source":null,"payload":)" + payload + kTail);
  }
  EXPECT_EQ(Row("t", "a", "\r\n{ \"event_id\" :\"a\" } \t"),
            R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":{ "event_id" :"a" })" +
                std::string(kTail));
}

TEST(EventJsonTest, WhatIsNotShownOtherwiseIsShownAsMessage) {
  for (const std::string payload :
       {R"({"payload":1,"more":1})", R"({"payload":1,"payload":2})", R"({"payload":1,"topic":"u"})",
        R"({"payload":1,"topic":7})", R"({"payload":1,"event_id":"b"})", R"({"payload":1,"event_id":43})",
        R"({"payload":1,"event_id":null})", R"({"payload":1,"p\u0061yload":2})", R"({"payload":1,"\u0078":4})"}) {
    EXPECT_EQ(Row("t", "a", payload),
              R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":1,"message":)" + payload + kTail);
  }
  EXPECT_EQ(Row("t", "a", " {\"payload\":1,\"v\":2}\n"),
            R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":1,"message":{"payload":1,"v":2})" +
                std::string(kTail));
}

TEST(EventJsonTest, AnIntegerIdStaysAnInteger) {
  EXPECT_EQ(Row("t", "42", R"({"event_id":42,"payload":null})"),
            R"({"topic":"t","event_id":42,"timestamp":null,"source":null,"payload":null)" + std::string(kTail));
}

TEST(EventJsonTest, AnIdFromElsewhereIsTheOneThatCounted) {
  EXPECT_EQ(Row("t", "a\"\\\n", R"({"payload":1})"),
            R"({"topic":"t","event_id":"a\"\\\u000a","timestamp":null,"source":null,"payload":1)" + std::string(kTail));
}

TEST(EventJsonTest, TheIdOfACloudEventIsShownThoughItsSourceCountedToo) {
  const std::string posted =
      R"({"topic":"t","event_id":"4\u0032","timestamp":1,"source":"\/plant\/1","payload":2,"id":"4\u0032"})";
  const std::string beginning = posted.substr(0, posted.find(R"(,"id")"));
  EXPECT_EQ(Row("t", "/plant/1|42", posted), beginning + R"(,"message":)" + posted + kTail);
  EXPECT_TRUE(Row("t", "/plant/2|42", posted).starts_with(R"({"topic":"t","event_id":"/plant/2|42",)"));
}

TEST(EventJsonTest, TheFirstOfRepeatedMembersCounts) {
  EXPECT_TRUE(
      Row("t", "a", R"({"event_id":"a","event_id":"b","payload":1,"p\u0061yload":2,"source":null,"source":"x"})")
          .starts_with(R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":1,"message":{)"));
}

TEST(EventJsonTest, JsonThatIsNoObjectIsThePayload) {
  const std::string beginning = R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":)";
  for (const std::string payload : {"[1]", "21.50", "\"\\u0041\"", "null", "true"}) {
    EXPECT_EQ(Row("t", "a", payload), beginning + payload + kTail);
    EXPECT_EQ(Row("t", "a", "\n" + payload + " "), beginning + payload + kTail);
  }
}

TEST(EventJsonTest, WhatIsNoJsonIsBase64) {
  const std::string beginning = R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload_base64":")";
  EXPECT_EQ(Row("t", "a", ""), beginning + "\"" + kTail);
  EXPECT_EQ(Row("t", "a", std::string_view("\0\xff\x80", 3)), beginning + "AP+A\"" + kTail);
  EXPECT_EQ(Row("t", "a", R"({"a":1)"), beginning + "eyJhIjox\"" + kTail);
  EXPECT_EQ(Row("t", "a", R"({}x)"), beginning + "e314\"" + kTail);
}

}  // namespace
}  // namespace dedup::sidecar
