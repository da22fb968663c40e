#include "command/capture/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace dedup::command {
namespace {

using testing::HasSubstr;

Message OnlyMessage(const std::string& text, Capture* capture) {
  std::istringstream lines(text);
  ReadLines(lines, capture);
  EXPECT_EQ(capture->messages().size(), 1u) << text;
  return capture->messages().empty() ? Message() : capture->messages()[0];
}

std::string ProblemOf(const std::string& text) {
  Capture capture;
  std::istringstream lines(text);
  try {
    ReadLines(lines, &capture);
  } catch (const LineError& error) {
    return error.what();
  }
  return "";
}

TEST(LinesTest, ReadsAllThatALineOfACaptureMaySay) {
  Capture capture;
  const Message message =
      OnlyMessage(R"({"t": 12.5, "topic": "a/b", "payload": "{\"x\":1}", "qos": 1, "retain": true, "client": "c", )"
                  R"("properties": {"user": [["n", "v"], ["n", "w"]], "content_type": "t"}})",
                  &capture);
  EXPECT_EQ(message.time_s, 12.5);
  EXPECT_EQ(message.topic, "a/b");
  EXPECT_EQ(message.payload, R"({"x":1})");
  EXPECT_EQ(message.qos, 1);
  EXPECT_TRUE(message.retain);
  EXPECT_EQ(message.client, "c");
  EXPECT_EQ(message.content_type, "t");
  ASSERT_EQ(message.properties.size(), 2u);
  EXPECT_EQ(message.properties[1], Property("n", "w"));
}

TEST(LinesTest, ReadsBytesThatAreNoText) {
  Capture capture;
  EXPECT_EQ(OnlyMessage(R"({"t": 1, "topic": "a", "payload_base64": "AP8="})", &capture).payload,
            std::string("\0\xFF", 2));
}

TEST(LinesTest, ReadsWhatMosquittoSubWrites) {
  Capture capture;
  const Message message = OnlyMessage(
      R"({"tst":"2026-01-31T12:00:00.634781Z+0000","topic":"a/b","qos":1,"retain":0,"payloadlen":7,)"
      R"("properties":{"user-properties":{"k":"v"},"content-type":"application/json"},"payload":"{\"x\":1}"})",
      &capture);
  EXPECT_NEAR(message.time_s, 1769860800.634781, 1e-5);
  EXPECT_EQ(message.payload, R"({"x":1})");
  EXPECT_EQ(message.qos, 1);
  EXPECT_FALSE(message.retain);
  EXPECT_EQ(message.content_type, "application/json");
  ASSERT_EQ(message.properties.size(), 1u);
  EXPECT_EQ(message.properties[0], Property("k", "v"));
}

TEST(LinesTest, ReadsMosquittoSubsOtherJson) {
  Capture capture;
  EXPECT_EQ(
      OnlyMessage(
          R"({"tst":"2026-01-31T12:00:00Z+0000","topic":"a","qos":0,"retain":0,"payloadlen":9,"payload":{"x": [1]}})",
          &capture)
          .payload,
      R"({"x":[1]})");
}

TEST(LinesTest, LeavesOutPayloadsThatMosquittoSubDamaged) {
  Capture capture;
  std::istringstream lines(
      R"({"tst":"2026-01-31T12:00:00Z+0000","topic":"bin","qos":0,"retain":0,"payloadlen":4,"payload":"\u0001?"})"
      "\n"
      R"({"tst":"2026-01-31T12:00:01Z+0000","topic":"empty","qos":0,"retain":0,"payloadlen":0,"payload":null})");
  EXPECT_EQ(ReadLines(lines, &capture).damaged_payload_count, 1u);
  ASSERT_EQ(capture.messages().size(), 1u);
  EXPECT_EQ(capture.messages()[0].topic, "empty");
}

TEST(LinesTest, LeavesOutWhatTheBrokerHadKeptFromBefore) {
  Capture capture;
  std::istringstream lines(
      R"({"tst":"2026-01-31T12:00:00Z+0000","topic":"a","qos":0,"retain":1,"payloadlen":1,"payload":"x"})");
  ReadLines(lines, &capture);
  EXPECT_TRUE(capture.messages().empty());
}

TEST(LinesTest, ReadsTopicTimeAndPayload) {
  struct Case {
    const char* line;
    const char* topic;
    double time_s;
    const char* payload;
  };
  for (const Case& each : {Case{"a/b\t12.5\t{\"x\": 1}", "a/b", 12.5, "{\"x\": 1}"}, Case{"a/b\t12\t", "a/b", 12, ""},
                           Case{"a/b\t12", "a/b", 12, ""}, Case{"a/b\t12\tx\ty", "a/b", 12, "x\ty"},
                           Case{"a/b 12.5 on off", "a/b", 12.5, "on off"},
                           Case{"living room/lamp 12.5 on", "living room/lamp", 12.5, "on"},
                           Case{"a/b 1970-01-01T00:00:12Z 21", "a/b", 12, "21"}, Case{"a/b 12\r", "a/b", 12, ""}}) {
    Capture capture;
    const Message message = OnlyMessage(each.line, &capture);
    EXPECT_EQ(message.topic, each.topic) << each.line;
    EXPECT_EQ(message.time_s, each.time_s) << each.line;
    EXPECT_EQ(message.payload, each.payload) << each.line;
  }
}

TEST(LinesTest, PutsMessagesInOrderAndPassesOverEmptyLines) {
  Capture capture;
  std::istringstream lines("a\t2\tx\n\n  \na\t1\ty\n");
  ReadLines(lines, &capture);
  ASSERT_EQ(capture.messages().size(), 2u);
  EXPECT_EQ(capture.messages()[0].payload, "y");
}

TEST(LinesTest, StopsWhenTheCaptureIsFull) {
  Capture capture(1, 100);
  std::istringstream lines("a\t1\tx\na\t2\ty\nno line at all\n");
  ReadLines(lines, &capture);
  EXPECT_TRUE(capture.is_full());
  EXPECT_EQ(capture.messages().size(), 1u);
}

TEST(LinesTest, SaysWhichLineIsWrongAndWhatIsExpected) {
  EXPECT_THAT(ProblemOf("a\t1\tx\nnothing here\n"),
              HasSubstr("line 2: no time in it; expected is a line of a capture"));
  EXPECT_THAT(ProblemOf("a\tsoon\tx"), HasSubstr("what stands behind the first tab is no time"));
  EXPECT_THAT(ProblemOf("{\"t\": 1"), HasSubstr("no JSON object"));
  EXPECT_THAT(ProblemOf(R"({"topic": "a", "payload": "x"})"), HasSubstr("no number \"t\""));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "payload": "x"})"), HasSubstr("no text \"topic\""));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a"})"), HasSubstr("no text \"payload\""));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": 5})"), HasSubstr("no text \"payload\""));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload_base64": "?"})"),
              HasSubstr("\"payload_base64\" is no base64"));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": "x", "qos": 3})"), HasSubstr("\"qos\" is not 0, 1 or 2"));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": "x", "retain": "no"})"),
              HasSubstr("\"retain\" is neither"));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": "x", "properties": 1})"),
              HasSubstr("\"properties\" is no object"));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": "x", "properties": {"user": {}}})"),
              HasSubstr("is no array"));
  EXPECT_THAT(ProblemOf(R"({"t": 1, "topic": "a", "payload": "x", "properties": {"user": [["n"]]}})"),
              HasSubstr("a user property is not [name, value]"));
  EXPECT_THAT(ProblemOf(R"({"tst": "soon", "topic": "a", "payload": "x"})"), HasSubstr("\"tst\" is no time"));
  EXPECT_THAT(ProblemOf(R"({"tst": "2026-01-31T12:00:00Z", "topic": "a"})"), HasSubstr("no \"payload\""));
}

TEST(LinesTest, ALineComesBackAsItWasWritten) {
  const std::vector<Property> properties = {{"n", "v"}};
  Message message;
  message.time_s = 1769860800.634781;
  message.topic = "a/ü";
  message.payload = std::string_view("\0\xFF\"", 3);
  message.client = "c";
  message.content_type = "t";
  message.properties = properties;
  message.qos = 2;
  message.retain = true;
  for (const std::string_view payload : {message.payload, std::string_view("{\"x\":\"é\\n\"}"), std::string_view()}) {
    message.payload = payload;
    Capture capture;
    const Message back = OnlyMessage(LineOf(message), &capture);
    EXPECT_EQ(back.time_s, message.time_s);
    EXPECT_EQ(back.topic, message.topic);
    EXPECT_EQ(back.payload, message.payload);
    EXPECT_EQ(back.client, message.client);
    EXPECT_EQ(back.content_type, message.content_type);
    ASSERT_EQ(back.properties.size(), 1u);
    EXPECT_EQ(back.properties[0], properties[0]);
    EXPECT_EQ(back.qos, message.qos);
    EXPECT_EQ(back.retain, message.retain);
  }
}

}  // namespace
}  // namespace dedup::command
