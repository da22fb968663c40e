#include "http_sidecar/mqtt/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dedup::sidecar {
namespace {

using testing::StartsWith;

Session MakeSession() {
  Session session;
  session.plugin = {.id_member = "event_id", .id_property = "event_id", .topics = {"t/#"}};
  return session;
}

// What is wrong with a batch of a valid event and this one; its name and detail, or nothing.
std::string Flaw(const Session& session, std::string topic, std::string event_id = "a", std::string_view payload = "{}",
                 int qos = 1, bool retain = false) {
  Batch batch;
  batch.qos = qos;
  batch.retain = retain;
  batch.events.push_back({.topic = "t/1", .event_id = "a", .event_id_text = "\"a\"", .payload = "{}"});
  batch.events.push_back(
      {.topic = std::move(topic), .event_id = std::move(event_id), .event_id_text = "", .payload = payload});
  const auto problem = session.Check(batch);
  return problem ? std::string(problem->type.name) + " " + problem->detail : "";
}

TEST(SessionTest, TakesWhatFits) {
  EXPECT_EQ(Flaw(MakeSession(), "t/2", "a", "{}", 2, true), "");
  EXPECT_EQ(Flaw(MakeSession(), "t/2", std::string("a\0b", 3)), "") << "the id travels in the payload alone";
}

TEST(SessionTest, QosAndRetainAreTheBrokers) {
  Session session = MakeSession();
  session.qos_max = 1;
  session.can_retain = false;
  EXPECT_EQ(Flaw(session, "t/2"), "");
  EXPECT_EQ(Flaw(session, "t/2", "a", "{}", 2), "unsupported-by-broker qos: the broker takes at most 1");
  EXPECT_EQ(Flaw(session, "t/2", "a", "{}", 1, true), "unsupported-by-broker retain: the broker retains no messages");
}

TEST(SessionTest, ATopicIsOneOfMqttAndOfThePlugin) {
  EXPECT_EQ(Flaw(MakeSession(), "t/+"),
            "invalid-event events[1].topic: holds a character that MQTT does not allow in a topic");
  EXPECT_EQ(Flaw(MakeSession(), "t/\x01"),
            "invalid-event events[1].topic: holds a character that MQTT does not allow in a topic");
  EXPECT_EQ(Flaw(MakeSession(), "t" + std::string(200, '/')), "");
  EXPECT_EQ(Flaw(MakeSession(), "t" + std::string(201, '/')),
            "invalid-event events[1].topic: has more than 200 levels");
  EXPECT_EQ(Flaw(MakeSession(), "u/1"),
            "invalid-event events[1].topic: is none of the topics that the broker's plugin was told to deduplicate");
}

TEST(SessionTest, AnEventThatHasAnotherIdThanItsMemberTakesItInAProperty) {
  Session session = MakeSession();
  Event event{.topic = "t/1", .event_id = "42", .event_id_text = "\"42\"", .payload = "{}"};
  EXPECT_EQ(session.IdPropertyOf(event), "");
  session.plugin.id_member = "id";
  EXPECT_EQ(session.IdPropertyOf(event), "42") << "the plugin looks at another member";
  for (const char* const id_member : {"id", "event_id"}) {
    session.plugin.id_member = id_member;
    event.id_property = "/plant/1|42";
    EXPECT_EQ(session.IdPropertyOf(event), "/plant/1|42");
  }
  // Its bytes count.
  session.packet_bytes_max = 50;
  Batch batch;
  batch.events.push_back(event);
  const auto problem = session.Check(batch);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->type.name, "too-large");
  batch.events[0].id_property.clear();
  EXPECT_FALSE(session.Check(batch));
}

TEST(SessionTest, AnIdThatTravelsInAPropertyIsAnMqttString) {
  Session session = MakeSession();
  session.plugin.id_member = "id";
  EXPECT_EQ(Flaw(session, "t/2"), "");
  EXPECT_EQ(Flaw(session, "t/2", std::string("a\0b", 3)),
            "invalid-event events[1].event_id: holds a character that MQTT does not allow in a user property");
}

TEST(SessionTest, AnEventIsNotLargerThanAPacket) {
  Session session = MakeSession();
  session.packet_bytes_max = 100;
  EXPECT_EQ(Flaw(session, "t/2", "a", std::string(65, ' ')), "");
  EXPECT_THAT(Flaw(session, "t/2", "a", std::string(66, ' ')), StartsWith("too-large events[1]: is larger"));
  session.plugin.id_member = "id";
  EXPECT_THAT(Flaw(session, "t/2", "a", std::string(65, ' ')), StartsWith("too-large"));
}

TEST(SessionTest, WhatTheBrokerRefusedForItsSizeIsTooLargeForAWhile) {
  Session session = MakeSession();
  session.NoteRefused(50);
  EXPECT_EQ(Flaw(session, "t/2", "a", std::string(49, ' ')), "");
  EXPECT_EQ(Flaw(session, "t/2", "a", std::string(50, ' ')), "too-large events[1]: is larger than the broker takes");
  session.refused_until = std::chrono::steady_clock::now();
  EXPECT_EQ(Flaw(session, "t/2", "a", std::string(50, ' ')), "");
}

TEST(SessionTest, WhetherTheBrokerTakesASizeIsKnownFromOthersOrNot) {
  Session session = MakeSession();
  EXPECT_EQ(session.TakesPayload(1), std::nullopt);
  session.NoteTaken(10);
  session.NoteTaken(5);
  session.NoteRefused(20);
  session.NoteRefused(30);
  EXPECT_EQ(session.TakesPayload(10), true);
  EXPECT_EQ(session.TakesPayload(11), std::nullopt);
  EXPECT_EQ(session.TakesPayload(19), std::nullopt);
  EXPECT_EQ(session.TakesPayload(20), false);
  session.refused_until = std::chrono::steady_clock::now();
  EXPECT_EQ(session.TakesPayload(20), std::nullopt) << "the broker may have another limit by now";
  EXPECT_EQ(session.TakesPayload(10), true);
}

TEST(SessionTest, ALimitThatWasLoweredOrRaisedIsBelieved) {
  Session session = MakeSession();
  session.NoteTaken(20);
  session.NoteRefused(10);
  EXPECT_EQ(session.TakesPayload(10), false);
  EXPECT_EQ(session.TakesPayload(9), true);
  session.NoteTaken(15);
  EXPECT_EQ(session.TakesPayload(15), true);
  EXPECT_EQ(session.TakesPayload(16), std::nullopt);
}

}  // namespace
}  // namespace dedup::sidecar
