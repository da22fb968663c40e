#include "plugin/core/observe/key_majority.h"

#include <gtest/gtest.h>

#include <string>

namespace dedup {
namespace {

class KeyMajorityTest : public testing::Test {
 protected:
  // One message a second; returns how many watches have ended.
  template <class KeyOf>
  int Send(const std::string& topic, int messages, const KeyOf& key_of) {
    int ended = 0;
    for (int i = 0; i < messages; ++i) ended += majority_.Note(topic, key_of(i), now_ms_ += 1000) ? 1 : 0;
    return ended;
  }

  KeyMajority majority_;
  std::int64_t now_ms_ = 0;
};

TEST_F(KeyMajorityTest, OneKeyForMostMessagesIsFound) {
  EXPECT_EQ(Send("a", 32, [](int i) { return i % 3 == 0 ? 100 + static_cast<std::uint64_t>(i) : 7; }), 1);
  EXPECT_TRUE(majority_.verdict().is_majority());
  EXPECT_EQ(majority_.verdict().messages, 16u);
  EXPECT_GE(majority_.verdict().of_one_key, 10u);
}

TEST_F(KeyMajorityTest, EventsWithThreeCopiesEachAreNone) {
  EXPECT_EQ(Send("a", 320, [](int i) { return static_cast<std::uint64_t>(i / 3); }), 10);
  EXPECT_FALSE(majority_.verdict().is_majority());
}

TEST_F(KeyMajorityTest, ABurstOfCopiesIsNone) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(majority_.Note("a", 7, now_ms_));
  EXPECT_EQ(Send("a", 40, [](int i) { return static_cast<std::uint64_t>(i); }), 1);
  EXPECT_FALSE(majority_.verdict().is_majority());
}

TEST_F(KeyMajorityTest, OneTopicIsWatchedAfterTheOther) {
  for (int i = 0; i < 320; ++i) {
    now_ms_ += 1000;
    const bool ended =
        majority_.Note(i % 2 == 0 ? "even" : "odd", i % 2 == 0 ? 5 : 100 + static_cast<unsigned>(i), now_ms_);
    if (!ended) continue;
    EXPECT_EQ(majority_.verdict().is_majority(), i % 2 == 0) << i;
  }
}

TEST_F(KeyMajorityTest, TopicsWithTheSameBeginningAreTwo) {
  const std::string beginning(KeyMajority::kTopicBytesMax, 't');
  EXPECT_FALSE(majority_.Note(beginning + "a", 1, now_ms_));
  int ended = 0;
  for (int i = 0; i < 100; ++i) ended += majority_.Note(beginning + "aa", 1, now_ms_ += 1000) ? 1 : 0;
  EXPECT_EQ(ended, 0);
}

TEST_F(KeyMajorityTest, AQuietTopicIsGivenUp) {
  EXPECT_FALSE(majority_.Note("quiet", 1, now_ms_));
  EXPECT_EQ(Send("busy", 3000, [](int) { return 1; }), 0);
  now_ms_ = KeyMajority::kQuiet_ms;
  EXPECT_EQ(Send("busy", 32, [](int) { return 1; }), 1);
}

}  // namespace
}  // namespace dedup
