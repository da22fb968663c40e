// The time before a data directory can be used: full disk, no permission, a file of a newer version.
#include <gmock/gmock.h>

#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UnusableDataDirTest : public DeduplicatorFixture {
 protected:
  UnusableDataDirTest() { options_.data_dir = dir_ / "data"; }

  /// A file stands in the directory's place.
  void Block() { WriteFile(options_.data_dir, "x"); }
  void Unblock() { std::filesystem::remove(options_.data_dir); }
  bool Opens() {
    return Eventually([this] {
      dedup_->OnTurn();
      return dedup_->trouble().empty();
    });
  }
};

TEST_F(UnusableDataDirTest, EventsAreRefusedAndAllElsePasses) {
  Block();
  Start();
  EXPECT_EQ(VerdictOf("a"), kRefused);
  EXPECT_EQ(VerdictOf("a"), kRefused);
  EXPECT_EQ(Send("no event").verdict, kPassed);
  EXPECT_EQ(Send("{\"event_id\":\"\"}").verdict, kPassed);
  EXPECT_THAT(dedup_->trouble(), HasSubstr(options_.data_dir.string()));
  Turn(3);
  EXPECT_EQ(dedup_->TakeOverdue().has_value(), false);
}

TEST_F(UnusableDataDirTest, OpensByItselfWhenItCanBeUsed) {
  Block();
  Start();
  EXPECT_EQ(VerdictOf("a"), kRefused);
  Unblock();
  ASSERT_TRUE(Opens());
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  Turn(2);
  Restart();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
}

TEST_F(UnusableDataDirTest, WhatWasRememberedBeforeIsKnownAgain) {
  Start();
  PublishAtQos2("a");
  PublishAtQos2("doubtful");
  Stop();
  std::filesystem::rename(options_.data_dir, dir_ / "away");
  Block();
  Start();
  EXPECT_EQ(VerdictOf("a"), kRefused);
  Unblock();
  std::filesystem::rename(dir_ / "away", options_.data_dir);
  ASSERT_TRUE(Opens());
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "in doubt";
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(Publish("new").seq, 3U);
}

TEST_F(UnusableDataDirTest, WhatIsCountedMeanwhileIsKept) {
  Block();
  Start();
  Publish("a");
  Send("no event");
  Unblock();
  ASSERT_TRUE(Opens());
  Publish("a");
  const Statistics stats = EventReader(options_.data_dir).ReadStatistics();
  EXPECT_EQ(stats.refused, 1U);
  EXPECT_EQ(stats.passed, 1U);
  EXPECT_EQ(stats.accepted_seq, 1U);
}

TEST_F(UnusableDataDirTest, PassHandsEventsOnAndCountsThem) {
  options_.on_store_failure = OnStoreFailure::kPass;
  Block();
  Start();
  EXPECT_EQ(VerdictOf("a"), kPassed);
  EXPECT_EQ(VerdictOf("a"), kPassed);
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("handed on unrecognised"), Not(HasSubstr("disconnected"))));
  Unblock();
  ASSERT_TRUE(Opens());
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  EXPECT_EQ(EventReader(options_.data_dir).ReadStatistics().unstored, 2U);
}

TEST_F(UnusableDataDirTest, ANewerRetainedMessageIsNotReplacedByAnOlderEventInDoubt) {
  Message older = MakeMessage(R"({"event_id":"a"})");
  older.retain = true;
  KilledAfter([&] { Send(older); });
  std::filesystem::rename(options_.data_dir, dir_ / "away");
  Block();
  options_.recovery_delay = std::chrono::milliseconds(0);
  Start();
  Message newer = MakeMessage("no event");
  newer.retain = true;
  EXPECT_EQ(Send(newer).verdict, kPassed);
  Unblock();
  std::filesystem::rename(dir_ / "away", options_.data_dir);
  ASSERT_TRUE(Opens());
  std::optional<EventInDoubt> event;
  EXPECT_TRUE(Eventually([&] { return (event = dedup_->TakeOverdue()).has_value(); }));
  EXPECT_FALSE(event->retain);
}

TEST_F(UnusableDataDirTest, TheLogSaysWhyOnceAndWhenItIsOver) {
  Block();
  Start();
  Publish("a");
  Publish("b");
  EXPECT_THAT(TakeLog(),
              AllOf(HasSubstr("events cannot be stored: "), HasSubstr(options_.data_dir.string()),
                    HasSubstr("publishers are disconnected"), HasSubstr("the data directory cannot be used")));
  Publish("c");
  EXPECT_THAT(TakeLog(), IsEmpty());
  Unblock();
  ASSERT_TRUE(Opens());
  EXPECT_THAT(TakeLog(), HasSubstr("events are stored again, 0 event ids"));
}

TEST_F(UnusableDataDirTest, AnAttemptHoldsNothingBack) {
  // The journal cannot be made; the store before it could.
  std::filesystem::create_directories(options_.data_dir / (std::string(JournalHeader::kFileName) + ".empty") / "x");
  Start();
  EXPECT_EQ(VerdictOf("a"), kRefused);
  std::filesystem::remove_all(options_.data_dir / (std::string(JournalHeader::kFileName) + ".empty"));
  ASSERT_TRUE(Opens());
  EXPECT_EQ(VerdictOf("a"), kProcessed);
}

TEST_F(UnusableDataDirTest, AnotherBrokersDirectoryIsNotWaitedFor) {
  Start();
  EXPECT_THROW(Deduplicator second(options_), DataDirInUse);
  EXPECT_EQ(VerdictOf("a"), kProcessed);
}

TEST_F(UnusableDataDirTest, StopsWhileItWaits) {
  Block();
  Start();
  dedup_->Stop();
  EXPECT_THAT(TakeLog(), HasSubstr("events cannot be stored"));
}

}  // namespace
}  // namespace dedup
