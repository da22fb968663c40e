#include "command/capture/capture.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dedup::command {
namespace {

Message MessageOf(double time_s, std::string_view topic, std::string_view payload = "x") {
  Message message;
  message.time_s = time_s;
  message.topic = topic;
  message.payload = payload;
  return message;
}

TEST(CaptureTest, KeepsItsOwnCopyOfAllThatWasSaid) {
  Capture capture;
  {
    const std::string topic = "a/b", payload(3'000'000, 'p'), client = "c", type = "t", name = "n", value = "v";
    const std::vector<Property> properties = {{name, value}};
    Message message = MessageOf(1.5, topic, payload);
    message.client = client;
    message.content_type = type;
    message.properties = properties;
    message.qos = 2;
    message.retain = true;
    ASSERT_TRUE(capture.Add(message));
  }
  const Message& kept = capture.messages()[0];
  EXPECT_EQ(kept.topic, "a/b");
  EXPECT_EQ(kept.payload, std::string(3'000'000, 'p'));
  EXPECT_EQ(kept.client, "c");
  EXPECT_EQ(kept.content_type, "t");
  ASSERT_EQ(kept.properties.size(), 1u);
  EXPECT_EQ(kept.properties[0], Property("n", "v"));
  EXPECT_EQ(kept.qos, 2);
  EXPECT_TRUE(kept.retain);
  EXPECT_TRUE(capture.has_clients());
}

TEST(CaptureTest, LeavesOutTheBrokersOwnTopics) {
  Capture capture;
  EXPECT_TRUE(capture.Add(MessageOf(1, "$SYS/uptime")));
  EXPECT_TRUE(capture.messages().empty());
  EXPECT_FALSE(capture.has_clients());
}

TEST(CaptureTest, IsFullAfterItsMessages) {
  Capture capture(2, 1000);
  EXPECT_TRUE(capture.Add(MessageOf(1, "a")));
  EXPECT_TRUE(capture.Add(MessageOf(2, "a")));
  EXPECT_FALSE(capture.is_full());
  EXPECT_FALSE(capture.Add(MessageOf(3, "a")));
  EXPECT_TRUE(capture.is_full());
  EXPECT_EQ(capture.messages().size(), 2u);
}

TEST(CaptureTest, IsFullAfterItsTexts) {
  Capture capture(100, 10);
  EXPECT_TRUE(capture.Add(MessageOf(1, "a", "12345678")));
  EXPECT_FALSE(capture.Add(MessageOf(2, "a", "1")));
  EXPECT_FALSE(capture.Add(MessageOf(2, "a", ""))) << "once full it stays full, so that nothing is missing in between";
  EXPECT_TRUE(capture.is_full());
}

TEST(CaptureTest, BringsMessagesIntoOrder) {
  Capture capture;
  for (const double time_s : {5.0, 2.0, 9.0}) capture.Add(MessageOf(time_s, "a"));
  capture.SortByTime();
  EXPECT_EQ(capture.messages()[0].time_s, 2.0);
  EXPECT_EQ(capture.messages()[2].time_s, 9.0);
  EXPECT_EQ(capture.seconds(), 7.0);
}

}  // namespace
}  // namespace dedup::command
