#include "plugin/core/deduplicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/unit/support/address_limit.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/failing_disk.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using DeduplicatorTest = DeduplicatorFixture;

// --- Events --------------------------------------------------------------------------------------

TEST_F(DeduplicatorTest, TheFirstCopyIsProcessedTheOthersAreDuplicatesOfIt) {
  Start();
  Decision outcome = Publish("a");
  EXPECT_EQ(outcome.verdict, kProcessed);
  EXPECT_EQ(outcome.seq, 1U);
  EXPECT_EQ(outcome.event_id, "a");
  EXPECT_EQ(Publish("b").seq, 2U);
  for (int copy = 0; copy < 3; ++copy) {
    outcome = Publish("a");
    EXPECT_EQ(outcome.verdict, kDuplicate);
    EXPECT_EQ(outcome.seq, 1U);
    EXPECT_EQ(outcome.event_id, "a");
  }
}

TEST_F(DeduplicatorTest, TheTopicIsPartOfTheKey) {
  Start();
  EXPECT_EQ(VerdictOf("a", "x"), kProcessed);
  EXPECT_EQ(VerdictOf("a", "y"), kProcessed);
  EXPECT_EQ(VerdictOf("/a", "x"), kProcessed);
  EXPECT_EQ(VerdictOf("a", "x/"), kProcessed);
  EXPECT_EQ(VerdictOf("a", "x"), kDuplicate);
}

TEST_F(DeduplicatorTest, OnlyTheIdsMeaningCounts) {
  Start();
  EXPECT_EQ(Send(R"({"event_id":"12","x":1})").verdict, kProcessed);
  EXPECT_EQ(Send(R"({"event_id":12})").verdict, kDuplicate);
  EXPECT_EQ(Send(R"({"event_id":"\u0031\u0032"})").verdict, kDuplicate);
  Message binary = MakeMessage("binary");
  SetIdProperty(&binary, "12");
  EXPECT_EQ(Send(binary).verdict, kDuplicate);
}

TEST_F(DeduplicatorTest, TheUserPropertyComesBeforeThePayload) {
  Start();
  Message message = MakeMessage(R"({"event_id":"payload"})");
  SetIdProperty(&message, "property");
  EXPECT_EQ(Send(message).event_id, "property");
  SetIdProperty(&message, "");
  EXPECT_EQ(Send(message).event_id, "payload") << "a property that is no id hides none";
  message.payload = "{}";
  EXPECT_EQ(Send(message).verdict, kPassed);
  EXPECT_EQ(Stats().invalid_ids, 1U);
}

TEST_F(DeduplicatorTest, WhatIsNoEventPasses) {
  Start();
  for (const char* const payload : {"", "hello", "{}", R"([{"event_id":"a"}])", R"({"event_id":"a")"}) {
    const Decision outcome = Send(payload);
    EXPECT_EQ(outcome.verdict, kPassed) << payload;
    EXPECT_EQ(outcome.seq, 0U);
  }
  EXPECT_EQ(Stats().passed, 5U);
  EXPECT_EQ(Stats().invalid_ids, 1U) << "the last was meant to be an event";
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(DeduplicatorTest, AnInvalidIdPassesIsCountedAndLoggedOnce) {
  Start();
  TakeLog();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Send(R"({"event_id":null})").verdict, kPassed);
  EXPECT_EQ(Stats().passed, 3U);
  EXPECT_EQ(Stats().invalid_ids, 3U);
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("unusable event id"), Not(HasSubstr("\na publish"))));
}

TEST_F(DeduplicatorTest, OnlyTheGivenTopicsAreDeduplicated) {
  options_.topics = {"a/#", "b/+"};
  Start();
  for (const char* const topic : {"a", "a/x/y", "b/x"}) {
    EXPECT_EQ(VerdictOf("1", topic), kProcessed) << topic;
    EXPECT_EQ(VerdictOf("1", topic), kDuplicate) << topic;
  }
  for (const char* const topic : {"b", "b/x/y", "c", "$a", "$SYS/x"})
    EXPECT_EQ(VerdictOf("1", topic), kPassed) << topic;
}

TEST_F(DeduplicatorTest, TopicsThatBeginWithADollarNeverAre) {
  Start();
  EXPECT_EQ(VerdictOf("1", "$CONTROL/x"), kPassed);
  options_.topics = {"$CONTROL/#"};
  Restart();
  EXPECT_EQ(VerdictOf("1", "$CONTROL/x"), kPassed);
}

TEST_F(DeduplicatorTest, ATopicLongerThanMqttAllowsIsNotDeduplicated) {
  options_.journal_bytes = 1 << 20;
  Start();
  EXPECT_EQ(VerdictOf("1", std::string(65535, 'x')), kProcessed);
  EXPECT_EQ(VerdictOf("1", std::string(65536, 'x')), kPassed);
  EXPECT_EQ(VerdictOf("1", std::string(65535, 'x')), kDuplicate);
}

TEST_F(DeduplicatorTest, TheMembersNameIsAnOption) {
  options_.id_member = "id";
  Start();
  EXPECT_EQ(Send(R"({"event_id":"a","id":"b"})").event_id, "b");
  EXPECT_EQ(VerdictOf("a"), kPassed);
}

TEST_F(DeduplicatorTest, CountsWhatItDecides) {
  Start();
  for (const char* const id : {"a", "b", "a", "", "a"}) Publish(id);
  const Statistics stats = Stats();
  EXPECT_EQ(stats.processed, 2U);
  EXPECT_EQ(stats.duplicates, 2U);
  EXPECT_EQ(stats.passed, 1U);
  EXPECT_EQ(stats.invalid_ids, 1U);
  EXPECT_EQ(stats.refused, 0U);
  EXPECT_EQ(stats.accepted_seq, 2U);
}

TEST_F(DeduplicatorTest, EventsBecomeRows) {
  Start();
  for (int i = 1; i <= 300; ++i) Publish(std::to_string(i));
  EXPECT_EQ(Rows(), UpTo(300));
}

TEST_F(DeduplicatorTest, StoppingStoresWhatIsLeft) {
  Start();
  for (int i = 1; i <= 300; ++i) Publish(std::to_string(i));
  dedup_->Stop();
  EXPECT_EQ(EventReader(dir_.path()).StoredSeq(), 300U);
}

TEST_F(DeduplicatorTest, SaysAtTheStartWhatItRemembers) {
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("mosquitto-dedup "), HasSubstr(": 0 event ids in " + dir_.path().string())));
  Publish("a");
  Restart();
  EXPECT_THAT(TakeLog(), HasSubstr(": 1 event ids in "));
}

TEST_F(DeduplicatorTest, WantsTurnsUntilEverythingIsHandedOn) {
  Start();
  TakeLog();
  EXPECT_FALSE(dedup_->wants_turn());
  Publish("a");
  EXPECT_TRUE(dedup_->wants_turn());
  Turn();
  EXPECT_TRUE(dedup_->wants_turn());
  Turn();
  EXPECT_FALSE(dedup_->wants_turn());
  dedup_->log().Add(LogLevel::kNotice, "line");
  EXPECT_TRUE(dedup_->wants_turn());
}

// --- The window ----------------------------------------------------------------------------------

TEST_F(DeduplicatorTest, AnIdIsNewAgainWhenItsWindowIsOver) {
  options_.window = options_.retention = 300ms;
  Start();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  Verdict verdict = kDuplicate;
  EXPECT_TRUE(Eventually([&] {
    Turn();
    verdict = VerdictOf("a");  // a duplicate does not extend the window
    return verdict != kDuplicate;
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 280ms);
  EXPECT_EQ(verdict, kProcessed);
  EXPECT_EQ(Publish("a").seq, 2U);
  EXPECT_THAT(Rows(), ElementsAre(2));
}

TEST_F(DeduplicatorTest, ARowOutlivesItsIdUnderALongerRetention) {
  options_.window = 50ms;
  Start();
  Publish("a");
  EXPECT_TRUE(Eventually([&] {
    Turn();
    return VerdictOf("a") == kProcessed;
  }));
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
}

TEST_F(DeduplicatorTest, ADuplicateLeavesNothingInTheJournal) {
  for (const std::size_t size : {0, 500, 5'000}) {  // some of which are written before it is known what they are
    const std::string payload =
        R"({"event_id":)" + std::to_string(size + 1) + R"(,"x":")" + std::string(size, 'x') + "\"}";
    KilledAfter([&] {
      EXPECT_EQ(Send(payload).verdict, kProcessed);
      Turn(2);  // it is handed on
      const std::uint64_t bytes = Stats().journal_used_bytes;
      EXPECT_EQ(Send(payload).verdict, kDuplicate);
      EXPECT_LE(Stats().journal_used_bytes, bytes);
    });
    Start();
    EXPECT_THAT(TakeLog(), Not(HasSubstr("journal"))) << "nothing was torn";
    EXPECT_EQ(Send(payload).verdict, kDuplicate);
  }
}

// --- When an event cannot be stored --------------------------------------------------------------

TEST_F(DeduplicatorTest, WithAFullJournalEventsAreRefusedUntilTheWriterHasMadeRoom) {
  Start();
  TakeLog();
  // Without a turn nothing is known to be handed on, so nothing leaves the journal.
  const std::uint64_t count = PublishUntilFull();
  EXPECT_GT(count, 50U);
  EXPECT_EQ(Rows(), UpTo(count));
  EXPECT_EQ(Stats().accepted_seq, count);
  EXPECT_GE(Stats().refused, 1U);
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the journal is full"), HasSubstr("its publisher was disconnected")));
  EXPECT_EQ(VerdictOf("1"), kDuplicate) << "what needs no room goes on";
  Turn(2);
  EXPECT_TRUE(Eventually([&] { return VerdictOf(std::to_string(count + 1)) == kProcessed; }));
  EXPECT_EQ(Rows(), UpTo(count + 1));
}

TEST_F(DeduplicatorTest, AFailedSyncWhileTheJournalIsFullIsMadeUpFor) {
  options_.fsync_interval = 1ms;
  Start();
  const std::uint64_t count = PublishUntilFull();
  EXPECT_EQ(Rows(), UpTo(count));
  {
    const FailingDisk disk(JournalHeader::kFileName);
    Turn(2);
    EXPECT_TRUE(Eventually([&] { return disk.failures() > 0; }));
  }
  EXPECT_TRUE(Eventually([&] { return VerdictOf("new") == kProcessed; }));
}

TEST_F(DeduplicatorTest, OnStoreFailurePassHandsThemOnWithoutDeduplication) {
  options_.on_store_failure = OnStoreFailure::kPass;
  Start();
  TakeLog();
  const std::uint64_t count = PublishUntilFull(10'000);
  const std::string large(20'000, 'x');
  payload_ = R"({"event_id":"new","x":")" + large + "\"}";
  for (int copy = 0; copy < 2; ++copy) {
    EXPECT_EQ(Send(payload_).verdict, kPassed);
  }
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the journal is full"), HasSubstr("handed on without deduplication")));
  EXPECT_EQ(Stats().refused, 0U);
  EXPECT_EQ(Stats().passed, 4U) << "counted as passed, those that found it full first too";
  EXPECT_EQ(Rows(), UpTo(count));
}

// In a process of its own, which the limit is for.
TEST_F(DeduplicatorTest, WithoutMemoryForItsKeyAnEventIsRefusedUntilThereIsSome) {
  KilledAfter([&] {
    {
      const AddressLimit limit(std::size_t{1} << 20);
      EXPECT_EQ(VerdictOf("a"), kRefused);
      EXPECT_EQ(VerdictOf("a"), kRefused);
    }
    EXPECT_THAT(TakeLog(), HasSubstr("or memory is"));
    EXPECT_EQ(VerdictOf("a"), kProcessed);
    EXPECT_EQ(VerdictOf("a"), kDuplicate);
    EXPECT_EQ(Stats().refused, 2U);
  });
}

TEST_F(DeduplicatorTest, AnEventLargerThanTheJournalIsRefused) {
  Start();
  TakeLog();
  payload_ = R"({"event_id":"a","x":")" + std::string(Journal::kRingBytesMin, 'x') + "\"}";
  const Decision outcome = Send(payload_);
  EXPECT_EQ(outcome.verdict, kRefused);
  EXPECT_EQ(outcome.seq, 0U);
  EXPECT_EQ(outcome.event_id, "a");
  EXPECT_THAT(TakeLog(), HasSubstr("larger than journal_size"));
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "it was not remembered";
}

TEST_F(DeduplicatorTest, WhileTheStoreFailsTheJournalTakesTheEvents) {
  Start();
  TakeLog();
  sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
  database.Execute("ALTER TABLE events RENAME TO hidden");
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  EXPECT_TRUE(Eventually([&] { return !dedup_->log().empty(); }));
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("cannot store events"), HasSubstr("no such table")));
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(VerdictOf("b"), kProcessed);
  database.Execute("ALTER TABLE hidden RENAME TO events");
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
  EXPECT_TRUE(Eventually([&] { return !dedup_->log().empty(); }));
  EXPECT_THAT(TakeLog(), HasSubstr("events are stored again"));
}

TEST_F(DeduplicatorTest, AConflictingRowIsToldNotHidden) {
  Start();
  TakeLog();
  sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
  database.Execute(
      "INSERT INTO topics VALUES(1, 't'); INSERT INTO events VALUES(1000, 1, 'a', 0, 0, 0, NULL, x'', NULL)");
  Publish("a");
  Publish("b");
  EXPECT_THAT(Rows(), ElementsAre(2, 1000));
  EXPECT_THAT(TakeLog(), HasSubstr("event 1 is not stored"));
}

// --- fsync_interval 0: an acknowledgement says that the event is on the disk ---------------------

TEST_F(DeduplicatorTest, AnEventThatDidNotReachTheDiskIsRefusedAndItsNextCopyTakesItsPlace) {
  options_.fsync_interval = 0ms;
  Start();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  {
    const FailingDisk disk(JournalHeader::kFileName);
    EXPECT_EQ(VerdictOf("b"), kRefused);
    EXPECT_EQ(VerdictOf("b"), kRefused);
    EXPECT_EQ(VerdictOf("c"), kRefused);
    EXPECT_EQ(VerdictOf("a"), kRefused) << "a duplicate's acknowledgement would say the same";
  }
  Decision outcome;
  EXPECT_TRUE(Eventually([&] {
    outcome = Publish("b");
    return outcome.verdict != kRefused;
  }));
  EXPECT_EQ(outcome.verdict, kProcessed);
  EXPECT_EQ(outcome.seq, 2U);
  EXPECT_EQ(VerdictOf("b"), kDuplicate);
  EXPECT_EQ(Publish("c").seq, 3U);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
  EXPECT_THAT(TakeLog(), HasSubstr("the journal could not be synced"));
}

TEST_F(DeduplicatorTest, OnStoreFailurePassAlsoCoversAFailedSync) {
  options_.fsync_interval = 0ms;
  options_.on_store_failure = OnStoreFailure::kPass;
  Start();
  const FailingDisk disk(JournalHeader::kFileName);
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "it is in the journal all the same";
  EXPECT_EQ(VerdictOf("b"), kPassed) << "behind a failed sync nothing is written";
}

TEST_F(DeduplicatorTest, WithAnIntervalAFailedSyncRefusesWhatFollows) {
  options_.fsync_interval = 1ms;
  Start();
  TakeLog();
  {
    const FailingDisk disk(JournalHeader::kFileName);
    EXPECT_EQ(VerdictOf("a"), kProcessed);
    EXPECT_TRUE(Eventually([&] { return disk.failures() > 1; })) << "by the second the first one's sync has ended";
    EXPECT_EQ(VerdictOf("b"), kRefused);
    EXPECT_EQ(VerdictOf("a"), kDuplicate);
    EXPECT_TRUE(Eventually([&] { return TakeLog().find("Input/output error") != std::string::npos; }));
  }
  EXPECT_TRUE(Eventually([&] { return VerdictOf("c") == kProcessed; }));
}

// --- When the broker cannot hand an event on -----------------------------------------------------

TEST_F(DeduplicatorTest, AnEventThatCouldNotBeHandedOnIsInDoubt) {
  Start();
  const Decision outcome = Publish("a");
  dedup_->OnHandOnFailed(MakeMessage(payload_), outcome);
  EXPECT_EQ(Publish("b").seq, 2U);
  EXPECT_EQ(Publish("a").verdict, kProcessed);
  EXPECT_EQ(Publish("a").verdict, kDuplicate);
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
}

TEST_F(DeduplicatorTest, AnOrderlyStopKnowsWhichCopiesOfEventsInDoubtTheBrokerHasRouted) {
  KilledAfter([this] {
    for (const char* const id : {"routed", "queued"}) EXPECT_EQ(VerdictOf(id), kProcessed);
  });
  Start();
  EXPECT_EQ(Publish("routed", "t", 1).verdict, kProcessed);
  EXPECT_EQ(Publish("queued", "t", 2).verdict, kProcessed);
  for (int i = 0; i < 2; ++i) {
    Restart();
    Turn(3);
  }
  EXPECT_EQ(VerdictOf("routed"), kDuplicate);
  EXPECT_EQ(VerdictOf("queued"), kProcessed);
}

TEST_F(DeduplicatorTest, AnOrderlyStopLeavesInDoubtWhatTheBrokerHasQueuedAndNothingElse) {
  const std::vector<std::pair<std::string, std::uint8_t>> events = {{"queued and sent", 2}, {"a", 0},       {"b", 1},
                                                                    {"queued", 2},          {"c", 1},       {"d", 0},
                                                                    {"queued too", 2},      {"refused", 1}, {"e", 1}};
  Start();
  for (const auto& [id, qos] : events) {
    const Decision decision = Publish(id, "t", qos);
    EXPECT_EQ(decision.verdict, kProcessed);
    if (id == "queued and sent") Turn(2);
    if (id == "refused") dedup_->OnHandOnFailed(MakeMessage(payload_), decision);
  }
  for (int i = 0; i < 2; ++i) {  // what was noted stays so
    Restart();
    Turn(3);
  }
  for (const auto& [id, qos] : events) {
    // "e" came behind one that waits, so it too was given to the broker's queue.
    const bool in_doubt = id == "queued" || id == "queued too" || id == "refused" || id == "e";
    EXPECT_EQ(Publish(id, "t", qos).verdict, in_doubt ? kProcessed : kDuplicate) << id;
  }
}

TEST_F(DeduplicatorTest, AfterAnOrderlyStopAtQos1NothingIsInDoubt) {
  Start();
  for (int i = 1; i <= 300; ++i) Publish(std::to_string(i));
  options_.recovery_delay = 0ms;
  Restart();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
  EXPECT_EQ(VerdictOf("300"), kDuplicate);
}

TEST_F(DeduplicatorTest, WithoutACopyItComesBackWhenTheDelayIsOver) {
  options_.recovery_delay = 300ms;
  Start();
  const Decision outcome = Publish("a");
  Message message = MakeMessage(payload_);
  message.qos = 2;
  dedup_->OnHandOnFailed(message, outcome);
  EXPECT_FALSE(dedup_->TakeOverdue());
  std::optional<EventInDoubt> event;
  EXPECT_TRUE(Eventually([&] { return (event = dedup_->TakeOverdue()).has_value(); }));
  EXPECT_EQ(event->seq, 1U);
  EXPECT_EQ(event->qos, 2);
  EXPECT_EQ(event->payload, payload_);
  dedup_->OnHandOnFailed(*event);
  EXPECT_FALSE(dedup_->TakeOverdue()) << "each attempt has its delay";
  EXPECT_TRUE(Eventually([&] { return dedup_->TakeOverdue().has_value(); }));
}

TEST_F(DeduplicatorTest, WhatIsInDoubtOutlastsItsWindow) {
  options_.window = options_.retention = 50ms;
  options_.recovery_delay = 400ms;
  Start();
  const Decision outcome = Publish("a");
  dedup_->OnHandOnFailed(MakeMessage(payload_), outcome);
  Turn(3);
  std::this_thread::sleep_for(100ms);
  std::this_thread::sleep_for(100ms);
  Turn(3);
  const Decision copy = Publish("a");
  EXPECT_EQ(copy.verdict, kProcessed);
  EXPECT_EQ(copy.seq, 1U) << "the same event still";
  EXPECT_FALSE(dedup_->TakeOverdue());
}

TEST_F(DeduplicatorTest, ItDoesNotReplaceALaterRetainedMessage) {
  options_.recovery_delay = 0ms;
  Start();
  for (const char* const topic : {"x", "y", "z"}) {
    const Decision outcome = Publish("a", topic);
    Message message = MakeMessage(payload_, topic);
    message.retain = true;
    dedup_->OnHandOnFailed(message, outcome);
  }
  Message later = MakeMessage("no event", "x");
  later.retain = true;
  Send(later);
  later = MakeMessage("{\"event_id\":\"b\"}", "y");
  later.retain = true;
  Send(later);
  EXPECT_FALSE(dedup_->TakeOverdue()->retain);
  EXPECT_FALSE(dedup_->TakeOverdue()->retain);
  EXPECT_TRUE(dedup_->TakeOverdue()->retain);
}

}  // namespace
}  // namespace dedup
