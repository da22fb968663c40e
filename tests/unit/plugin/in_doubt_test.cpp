#include "plugin/core/in_doubt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class InDoubtTest : public testing::Test {
 protected:
  void Add(std::uint64_t seq, std::int64_t due_ms = 1000, const std::string& topic = "t") {
    EventInDoubt event;
    event.seq = seq;
    event.topic = topic;
    event.retain = true;
    event.payload = "payload " + std::to_string(seq);
    events_.Add(std::move(event), due_ms);
  }
  /// A turn of the broker's loop; returns what has left for good.
  std::vector<std::uint64_t> Turn() {
    events_.OnTurn();
    std::vector<std::uint64_t> seqs;
    while (const auto seq = events_.NextHandedOn()) {
      seqs.push_back(*seq);
      events_.RemoveHandedOn();
    }
    return seqs;
  }
  std::uint64_t Overdue(std::int64_t now_ms) {
    const auto event = events_.TakeOverdue(now_ms);
    return event ? event->seq : 0;
  }

  InDoubtEvents events_;
};

TEST_F(InDoubtTest, IsEmptyAtFirst) {
  EXPECT_TRUE(events_.empty());
  EXPECT_FALSE(events_.IsWaiting(1));
  EXPECT_FALSE(events_.TakeOverdue(INT64_MAX));
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_FALSE(events_.OldestAbove(0));
}

TEST_F(InDoubtTest, WhatIsOlderOnATopicIsTakenFirst) {
  Add(3, 1000, "a");
  Add(1, 1000, "a");
  Add(2, 1000, "b");
  EXPECT_FALSE(events_.WouldBeOvertaken("c", 9));
  EXPECT_FALSE(events_.WouldBeOvertaken("a", 1)) << "itself";
  EXPECT_TRUE(events_.WouldBeOvertaken("a", 2));
  EXPECT_FALSE(events_.TakeOlder("a", 1));
  const auto older = events_.TakeOlder("a", 9);
  ASSERT_TRUE(older);
  EXPECT_EQ(older->seq, 1U);
  EXPECT_EQ(older->payload, "payload 1");
  EXPECT_EQ(events_.TakeOlder("a", 9)->seq, 3U);
  EXPECT_FALSE(events_.TakeOlder("a", 9));
  EXPECT_TRUE(events_.WouldBeOvertaken("a", 9)) << "they are in the broker's queue";
  Turn();
  EXPECT_FALSE(events_.WouldBeOvertaken("a", 9));
  EXPECT_TRUE(events_.WouldBeOvertaken("b", 9));
  Turn();
  EXPECT_THAT(Turn(), ElementsAre(1, 3));
}

TEST_F(InDoubtTest, WhatIsOverdueGoesBeforeWhatComesInTheSameTurn) {
  Add(1);
  EXPECT_EQ(Overdue(1000), 1U);
  EXPECT_TRUE(events_.WouldBeOvertaken("t", 9));
  Turn();
  EXPECT_FALSE(events_.WouldBeOvertaken("t", 9));
}

TEST_F(InDoubtTest, AClaimedEventWaitsNoMoreAndLeavesAfterTwoTurns) {
  Add(7);
  EXPECT_TRUE(events_.IsWaiting(7));
  events_.Claim(7, false);
  EXPECT_FALSE(events_.IsWaiting(7));
  EXPECT_FALSE(events_.TakeOverdue(INT64_MAX));
  EXPECT_FALSE(events_.empty()) << "the broker has not queued it yet";
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_THAT(Turn(), ElementsAre(7));
  EXPECT_TRUE(events_.empty());
  EXPECT_THAT(Turn(), IsEmpty());
}

TEST_F(InDoubtTest, AnEventIsOverdueWhenItsTimeHasCome) {
  Add(1, 200);
  Add(2, 100);
  EXPECT_EQ(Overdue(99), 0U);
  EXPECT_EQ(Overdue(100), 2U);
  EXPECT_EQ(Overdue(199), 0U);
  EXPECT_EQ(Overdue(200), 1U);
  EXPECT_EQ(Overdue(INT64_MAX), 0U);
}

TEST_F(InDoubtTest, OverdueEventsComeInTheirOrder) {
  for (const std::uint64_t seq : {3U, 1U, 2U}) Add(seq);
  EXPECT_EQ(Overdue(1000), 1U);
  EXPECT_EQ(Overdue(1000), 2U);
  EXPECT_EQ(Overdue(1000), 3U);
}

TEST_F(InDoubtTest, AnOverdueEventComesWholeAndLeavesLikeAClaimedOne) {
  Add(5);
  const auto event = events_.TakeOverdue(1000);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->payload, "payload 5");
  EXPECT_FALSE(events_.IsWaiting(5));
  Turn();
  Turn();
  EXPECT_THAT(Turn(), ElementsAre(5));
}

TEST_F(InDoubtTest, AnEventThatCouldNotBeHandedOnWaitsAgain) {
  Add(5, 100);
  const auto event = events_.TakeOverdue(100);
  ASSERT_TRUE(event);
  Turn();
  events_.Add(*event, 200);
  EXPECT_TRUE(events_.IsWaiting(5));
  for (int turn = 0; turn < 5; ++turn) EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(Overdue(199), 0U);
  EXPECT_EQ(Overdue(200), 5U);
}

TEST_F(InDoubtTest, WhatHasLeftStaysUntilItIsRemoved) {
  for (const std::uint64_t seq : {1U, 2U}) {
    Add(seq);
    events_.Claim(seq, false);
  }
  for (int turn = 0; turn < 3; ++turn) events_.OnTurn();
  EXPECT_THAT(events_.NextHandedOn(), Optional(1));
  EXPECT_THAT(events_.NextHandedOn(), Optional(1)) << "as when it could not be noted yet";
  events_.OnTurn();
  events_.RemoveHandedOn();
  EXPECT_THAT(events_.NextHandedOn(), Optional(2));
  EXPECT_FALSE(events_.empty());
  events_.RemoveHandedOn();
  EXPECT_TRUE(events_.empty());
}

TEST_F(InDoubtTest, ALaterRetainedMessageOfTheTopicIsNotReplaced) {
  Add(1, 1000, "x");
  Add(2, 1000, "y");
  Add(3, 1000, "x");
  events_.OnRetained("x", 3);
  EXPECT_FALSE(events_.TakeOverdue(1000)->retain);
  EXPECT_TRUE(events_.TakeOverdue(1000)->retain) << "another topic";
  EXPECT_TRUE(events_.TakeOverdue(1000)->retain) << "not earlier";
}

TEST_F(InDoubtTest, KnowsTheOldestThatIsNotHandedOn) {
  for (const std::uint64_t seq : {10U, 20U, 30U}) Add(seq);
  EXPECT_THAT(events_.OldestAbove(0), Optional(10));
  EXPECT_THAT(events_.OldestAbove(10), Optional(20));
  EXPECT_THAT(events_.OldestAbove(29), Optional(30));
  EXPECT_FALSE(events_.OldestAbove(30));
  events_.Claim(10, false);
  EXPECT_THAT(events_.OldestAbove(0), Optional(10)) << "it is leaving, but has not left";
  for (int turn = 0; turn < 3; ++turn) Turn();
  EXPECT_THAT(events_.OldestAbove(0), Optional(20));
}

}  // namespace
}  // namespace dedup
