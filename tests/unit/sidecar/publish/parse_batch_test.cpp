#include "http_sidecar/publish/parse_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dedup::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::shared_ptr<const Batch> Accepted(std::string body) {
  auto parsed = ParseBatch(std::move(body));
  const auto* problem = std::get_if<Problem>(&parsed);
  EXPECT_EQ(problem, nullptr) << (problem ? problem->detail : "");
  return problem != nullptr ? std::make_shared<Batch>() : std::get<std::shared_ptr<Batch>>(parsed);
}

Problem Refused(std::string body) {
  auto parsed = ParseBatch(std::move(body));
  const auto* problem = std::get_if<Problem>(&parsed);
  if (problem == nullptr) return {{}, "was accepted"};
  return *problem;
}

// A valid event with one member in place of the usual one; an empty text leaves the member out.
std::string EventWith(const std::string& member, const std::string& text) {
  std::string event;
  for (const auto& [name, usual] : {std::pair<std::string, std::string>{"topic", R"("t")"},
                                    {"event_id", R"("a")"},
                                    {"timestamp", R"("2024-01-02")"},
                                    {"source", ""},
                                    {"payload", ""}}) {
    const std::string& value = name == member ? text : usual;
    if (!value.empty()) event += (event.empty() ? "{\"" : ",\"") + name + "\":" + value;
  }
  return event + "}";
}

constexpr char kEvent[] = R"({"topic":"t","event_id":"a","timestamp":"2024-01-02"})";

TEST(EventTest, OneEventIsABatchOfOneAndTravelsAsPosted) {
  const std::string event = R"({ "topic" : "s\u00e9nsor/1", "event_id":"\u0041\n", "timestamp":"2024-01-02",)"
                            "\n"
                            R"( "payload":[1e400, 123456789012345678901234567890], "more":{"event_id":"x"}})";
  const auto batch = Accepted("\n " + event + "\r\n");
  ASSERT_EQ(batch->events.size(), 1u);
  EXPECT_EQ(batch->events[0].topic, "s\u00e9nsor/1");
  EXPECT_EQ(batch->events[0].event_id, "A\n");
  EXPECT_EQ(batch->events[0].event_id_text, R"("\u0041\n")");
  EXPECT_EQ(batch->events[0].payload, event);
}

TEST(EventTest, AnArrayIsABatchInItsOrder) {
  const auto batch = Accepted("[" + EventWith("event_id", R"("b")") + " , " + kEvent + "]");
  ASSERT_EQ(batch->events.size(), 2u);
  EXPECT_EQ(batch->events[0].event_id, "b");
  EXPECT_EQ(batch->events[1].payload, kEvent);
  EXPECT_TRUE(Accepted("[]")->events.empty());
}

TEST(EventTest, AMemberThatStandsThereTwiceIsRefused) {
  const std::string members = R"("topic":"t","event_id":"a","timestamp":"2024-01-02","source":"s","payload":1)";
  for (const std::string name : {"topic", "event_id", "timestamp", "source", "payload"}) {
    for (const std::string& again : {name, name == "event_id" ? std::string("event_\\u0069d") : name}) {
      const Problem problem = Refused("[" + std::string(kEvent) + ",{" + members + ",\"" + again + "\":\"t\"}]");
      EXPECT_EQ(problem.type.status, 400);
      EXPECT_EQ(problem.detail, "events[1]." + name + ": stands there twice");
    }
  }
  EXPECT_EQ(Accepted("{" + members + R"(,"other":1,"other":2})")->events.size(), 1u);
}

TEST(EventTest, InvalidEventsNameIndexMemberAndReason) {
  const std::string body =
      std::string("[") + kEvent + "," + kEvent + "," + EventWith("timestamp", R"("2024-13-01")") + "]";
  const Problem problem = Refused(body);
  EXPECT_EQ(problem.type.name, "invalid-event");
  EXPECT_EQ(problem.detail, R"(events[2].timestamp: "2024-13-01" is not an ISO 8601 date or date-time)");
}

struct InvalidMember {
  std::string member, text, reason;
};

class InvalidMemberTest : public testing::TestWithParam<InvalidMember> {};

TEST_P(InvalidMemberTest, IsRefused) {
  const auto& [member, text, reason] = GetParam();
  const Problem problem = Refused(EventWith(member, text));
  EXPECT_EQ(problem.type.name, "invalid-event");
  EXPECT_THAT(problem.detail, StartsWith("events[0]." + member + ": "));
  EXPECT_THAT(problem.detail, HasSubstr(reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, InvalidMemberTest,
    testing::Values(InvalidMember{"topic", "", "is missing"}, InvalidMember{"topic", R"("")", "is empty"},
                    InvalidMember{"topic", "null", "null is not a string"}, InvalidMember{"topic", "7", "not a string"},
                    InvalidMember{"topic", R"("a/+")", "wildcard"}, InvalidMember{"topic", R"("a/#")", "wildcard"},
                    InvalidMember{"topic", R"("a\u002b")", "wildcard"}, InvalidMember{"topic", R"("$SYS/x")", "$"},
                    InvalidMember{"topic", R"("\u0024SYS")", "$"}, InvalidMember{"topic", R"("a\u0000b")", "U+0000"},
                    InvalidMember{"topic", '"' + std::string(65'536, 'x') + '"', "65,535"},
                    InvalidMember{"event_id", "", "is missing"}, InvalidMember{"event_id", R"("")", "is empty"},
                    InvalidMember{"event_id", "7", "7 is not a string"},
                    InvalidMember{"event_id", '"' + std::string(257, 'x') + '"', "256"},
                    InvalidMember{"timestamp", "", "is missing"}, InvalidMember{"timestamp", R"("")", "ISO 8601"},
                    InvalidMember{"timestamp", "true", "true is not a string"},
                    InvalidMember{"timestamp", "1704164645", "not a string"},
                    InvalidMember{"timestamp", "null", "not a string"},
                    InvalidMember{"source", "7", "7 is neither a string nor null"},
                    InvalidMember{"source", R"({"a":1})", "neither"}));

TEST(EventTest, LimitsAreInclusive) {
  EXPECT_EQ(Accepted(EventWith("topic", '"' + std::string(65'535, 'x') + '"'))->events.at(0).topic.size(), 65'535u);
  EXPECT_EQ(Accepted(EventWith("event_id", '"' + std::string(256, 'x') + '"'))->events.at(0).event_id.size(), 256u);
  // Bytes after unescaping, not characters of the text.
  std::string escaped;
  for (int i = 0; i < 128; ++i) escaped += "\\u00e9";
  EXPECT_EQ(Accepted(EventWith("event_id", '"' + escaped + '"'))->events.at(0).event_id.size(), 256u);
  EXPECT_EQ(Refused(EventWith("event_id", '"' + escaped + "x\"")).type.name, "invalid-event");
}

TEST(EventTest, OptionalMembersMayBeAbsentNullOrAnything) {
  for (const char* source : {"", "null", R"("")", R"("gateway 7")"}) Accepted(EventWith("source", source));
  for (const char* payload : {"", "null", "7", "\"x\"", "[]", "{}", "true", "-0.0e-99"}) {
    Accepted(EventWith("payload", payload));
  }
}

TEST(EventTest, AnEventIdMayHoldNul) {
  EXPECT_EQ(Accepted(EventWith("event_id", R"("a\u0000b")"))->events.at(0).event_id, std::string("a\0b", 3));
}

TEST(EventTest, WhatIsNoEventIsRefused) {
  for (const char* body : {"7", "\"x\"", "null", "true"}) EXPECT_EQ(Refused(body).type.name, "invalid-event") << body;
  const Problem problem = Refused(std::string("[") + kEvent + ",7]");
  EXPECT_EQ(problem.type.name, "invalid-event");
  EXPECT_EQ(problem.detail, "events[1]: 7 is not a JSON object");
  EXPECT_EQ(Refused("[[]]").detail, "events[0]: [] is not a JSON object");
}

TEST(EventTest, InvalidJsonIsRefusedBeforeAnyInvalidEvent) {
  const std::string lone_surrogate = EventWith("event_id", R"("\ud800")");
  const std::string invalid_utf8 = EventWith("source", "\"\xff\"");
  const std::string deep = EventWith("payload", std::string(100'000, '[') + std::string(100'000, ']'));
  for (const std::string& body :
       {std::string(), std::string(" "), std::string("{"), std::string("[{}"), std::string("[{},]"),
        std::string("{}{}"), EventWith("payload", "NaN"), EventWith("payload", "Infinity"), EventWith("payload", "01"),
        lone_surrogate, invalid_utf8, deep, std::string("\xEF\xBB\xBF") + kEvent, std::string(kEvent) + "x",
        "'" + std::string(kEvent)}) {
    const Problem problem = Refused(body);
    EXPECT_EQ(problem.type.name, "invalid-json") << body.substr(0, 100);
    EXPECT_THAT(problem.detail, StartsWith("invalid JSON at byte ")) << body.substr(0, 100);
  }
}

TEST(EventTest, EveryPrefixOfABatchIsRefused) {
  const std::string body = std::string("[") + kEvent + "," + kEvent + "]";
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_EQ(Refused(body.substr(0, size)).type.status, 400) << size;
}

TEST(EventTest, MoreEventsThanABatchTakes) {
  std::string body = "[";
  for (std::size_t i = 0; i < kEventsPerBatchMax; ++i) body.append(kEvent).append(",");
  std::string full = body;
  full.back() = ']';
  EXPECT_EQ(Accepted(full)->events.size(), kEventsPerBatchMax);
  EXPECT_EQ(Refused(body + kEvent + "]").type.name, "too-large");
}

TEST(EventTest, LongValuesAreShownShortAndWhole) {
  std::string text = "\"";
  for (int i = 0; i < 1000; ++i) text += "\u00e9";
  const Problem problem = Refused(EventWith("timestamp", text + "\""));
  EXPECT_LT(problem.detail.size(), 200u);
  EXPECT_THAT(problem.detail, HasSubstr("\u00e9… is not an ISO 8601"));
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
