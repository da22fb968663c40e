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
                R"("payload":{"n":123456789012345678901234567890, "x":1.50},"more":1})"),
            R"({"topic":"t/1","event_id":"\u0041","timestamp":"2024-01-01T00:00:00+02:00","source":"s\/1",)"
            R"("payload":{"n":123456789012345678901234567890, "x":1.50})" +
                std::string(kTail));
}

TEST(EventJsonTest, EachEventHasItsOwnTopic) {
  for (const std::string topic : {"t/1", "t/1", "t/2", "t", "t/1", "", "", "t\"", "t"}) {
    const std::string quoted = topic == "t\"" ? R"("t\"")" : '"' + topic + '"';
    EXPECT_EQ(Row(topic, "a", "{}"),
              R"({"topic":)" + quoted + R"(,"event_id":"a","timestamp":null,"source":null,"payload":null)" + kTail);
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

TEST(EventJsonTest, EscapedNamesAreNames) {
  EXPECT_EQ(Row("t", "a", R"({"\u0065vent_id":"a","t\u0069mestamp":1,"s\u006furce":2,"\u0070ayload":3,"\u0078":4})"),
            R"({"topic":"t","event_id":"a","timestamp":1,"source":2,"payload":3)" + std::string(kTail));
}

TEST(EventJsonTest, MissingMembersAreNullAndTheMqttTopicCounts) {
  EXPECT_EQ(Row("real", "a", R"({"topic":"claimed","event_id":"a"})"),
            R"({"topic":"real","event_id":"a","timestamp":null,"source":null,"payload":null)" + std::string(kTail));
}

TEST(EventJsonTest, AnIntegerIdStaysAnInteger) {
  EXPECT_EQ(Row("t", "42", R"({"event_id":42})"),
            R"({"topic":"t","event_id":42,"timestamp":null,"source":null,"payload":null)" + std::string(kTail));
}

TEST(EventJsonTest, AnIdFromElsewhereIsTheOneThatCounted) {
  for (const char* payload : {R"({"event_id":"b"})", R"({"event_id":43})", R"({"event_id":null})", R"({})"}) {
    EXPECT_EQ(
        Row("t", "a\"\\\n", payload),
        R"({"topic":"t","event_id":"a\"\\\u000a","timestamp":null,"source":null,"payload":null)" + std::string(kTail));
  }
}

TEST(EventJsonTest, TheFirstOfRepeatedMembersCounts) {
  EXPECT_EQ(Row("t", "a", R"({"event_id":"a","event_id":"b","payload":1,"p\u0061yload":2,"source":null,"source":"x"})"),
            R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload":1)" + std::string(kTail));
}

TEST(EventJsonTest, AnythingButAnObjectIsBase64) {
  const std::string beginning = R"({"topic":"t","event_id":"a","timestamp":null,"source":null,"payload_base64":")";
  EXPECT_EQ(Row("t", "a", ""), beginning + "\"" + kTail);
  EXPECT_EQ(Row("t", "a", std::string_view("\0\xff\x80", 3)), beginning + "AP+A\"" + kTail);
  EXPECT_EQ(Row("t", "a", "[1]"), beginning + "WzFd\"" + kTail);
  EXPECT_EQ(Row("t", "a", R"({"a":1)"), beginning + "eyJhIjox\"" + kTail);
  EXPECT_EQ(Row("t", "a", R"({}x)"), beginning + "e314\"" + kTail);
}

}  // namespace
}  // namespace dedup::sidecar
