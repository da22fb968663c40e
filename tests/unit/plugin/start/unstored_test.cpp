// The time after a start in which the broker serves while the events of earlier runs are still in the journal alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/start/recovery.h"
#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/append.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/held_store.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UnstoredTest : public DeduplicatorFixture {
 protected:
  UnstoredTest() {
    LetRowsBeMade();
    options_.journal_bytes = 1 << 20;
    Start();
    Stop();
  }

  ~UnstoredTest() override { LetRowsBeMade(); }

  std::filesystem::path database() const { return dir_ / Store::kFileName; }
  std::filesystem::path journal() const { return dir_ / JournalHeader::kFileName; }

  void Execute(const char* sql) {
    sqlite::Database store(database(), sqlite::Database::Mode::kReadWriteCreate);
    store.SetBusyTimeout(5000);  // the writer may be at work
    store.Execute(sql);
  }
  /// All that a start itself does to the store succeeds; events stay in the journal.
  void LetNoRowBeMade() { HeldStore::Hold(true); }
  void LetRowsBeMade() { HeldStore::Hold(false); }

  /// Publishes events `first` to `last`, which become no rows, and dies.
  void KilledWithUnstored(int first, int last) {
    LetNoRowBeMade();
    KilledAfter([&] { PublishAll(first, last); });
  }
  /// Events 1 to 5, which nothing says were handed on, so that the journal keeps them too.
  void PublishInDoubt() {
    for (const char* const id : {"1", "2", "3", "4", "5"}) Publish(id);
  }
  void PublishAll(int first, int last) {
    for (int id = first; id <= last; ++id) {
      const Decision outcome = Publish(std::to_string(id));
      EXPECT_EQ(outcome.verdict, kProcessed) << id;
      EXPECT_EQ(outcome.seq, static_cast<std::uint64_t>(id));
    }
    Turn(2);
  }
  void ExpectDuplicates(int first, int last) {
    for (int id = first; id <= last; ++id) {
      const Decision outcome = Publish(std::to_string(id));
      ASSERT_EQ(outcome.verdict, kDuplicate) << id;
      ASSERT_EQ(outcome.seq, static_cast<std::uint64_t>(id));
    }
  }

  struct StartedAndDied {
    std::size_t in_doubt, ids;
    std::uint64_t unstored_bytes;
    std::string log;
  };
  /// A start, and a death before anything else.
  StartedAndDied StartAndDie() {
    Stop();
    LogQueue log;
    const Recovered recovered = Recover(options_, log);
    StartedAndDied result{.in_doubt = recovered.in_doubt.size(),
                          .ids = recovered.index.size(),
                          .unstored_bytes = recovered.journal->used_bytes(),
                          .log = {}};
    for (const LogLine& line : log.Take()) result.log += line.text + "\n";
    return result;
  }
};

TEST_F(UnstoredTest, AllAnswersAreRightBeforeTheFirstRowIsMade) {
  KilledWithUnstored(1, 600);
  Start();
  EXPECT_THAT(dedup_->trouble(), IsEmpty());
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("600 event ids"), HasSubstr("the newest 600 events are being stored")));
  ExpectDuplicates(1, 600);
  PublishAll(601, 700);
  EXPECT_EQ(Stats().processed, 700U);
  EXPECT_EQ(EventReader(dir_.path()).StoredSeq(), 0U);
  LetRowsBeMade();
  EXPECT_EQ(Rows(), UpTo(700));
  Restart();
  EXPECT_THAT(TakeLog(), Not(HasSubstr("being stored")));
  ExpectDuplicates(1, 700);
}

TEST_F(UnstoredTest, DeathAfterDeathInThatTimeLosesNothing) {
  LetNoRowBeMade();
  for (int life = 0; life < 5; ++life) {
    KilledAfter([&] {
      ExpectDuplicates(1, 50 * life);
      PublishAll(50 * life + 1, 50 * life + 50);
    });
    EXPECT_EQ(StartAndDie().ids, 50U * static_cast<unsigned>(life) + 50U);
  }
  LetRowsBeMade();
  Start();
  ExpectDuplicates(1, 250);
  EXPECT_EQ(Rows(), UpTo(250));
}

TEST_F(UnstoredTest, SomeOfThemMayBeRowsAlready) {
  KilledAfter([this] {
    PublishAll(1, 300);
    Rows();
  });
  KilledWithUnstored(301, 400);
  EXPECT_EQ(StartAndDie().ids, 400U);
  LetRowsBeMade();
  Start();
  ExpectDuplicates(1, 400);
  EXPECT_EQ(Rows(), UpTo(400));
  EXPECT_THAT(TakeLog(), Not(HasSubstr("is not stored")));
}

// --- In doubt ------------------------------------------------------------------------------------

TEST_F(UnstoredTest, AnEventInDoubtIsWholeThroughFurtherDeaths) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([&] { Send(MakeFullMessage()); });
  KilledAfter([&] { Turn(10); });
  EXPECT_EQ(StartAndDie().in_doubt, 1U);
  Start();
  TakeFullMessage(1);
}

TEST_F(UnstoredTest, OnceHandedOnTheyStaySo) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([this] {
    for (const char* const id : {"a", "b", "c"}) Publish(id);
  });
  KilledAfter([this] {
    EXPECT_EQ(VerdictOf("b"), kProcessed);
    EXPECT_EQ(VerdictOf("b"), kDuplicate);
    Turn(3);
  });
  EXPECT_EQ(StartAndDie().in_doubt, 2U);
  KilledAfter([this] {
    EXPECT_THAT(TakeOverdue(), ElementsAre(1, 3));
    Turn(3);
  });
  EXPECT_EQ(StartAndDie().in_doubt, 0U);
  LetRowsBeMade();
  Start();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
  EXPECT_EQ(Rows(), UpTo(3));
  Restart();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
  for (const char* const id : {"a", "b", "c"}) EXPECT_EQ(VerdictOf(id), kDuplicate);
}

TEST_F(UnstoredTest, AnEventThatBecomesARowStaysInDoubt) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([this] { Publish("a"); });
  LetRowsBeMade();
  KilledAfter([this] {
    Rows();
    Turn(10);
  });
  Start();
  EXPECT_THAT(TakeOverdue(), ElementsAre(1));
}

// --- A full journal ------------------------------------------------------------------------------

TEST_F(UnstoredTest, AFullJournalTakesEventsAgainAsSoonAsTheFirstAreStored) {
  LetNoRowBeMade();
  KilledAfter([this] {
    options_.journal_bytes = Journal::kRingBytesMin;
    Start();
    PublishUntilFull();
    Turn(2);
  });
  options_.journal_bytes = Journal::kRingBytesMin;
  Start();
  EXPECT_EQ(VerdictOf("new"), kRefused);
  EXPECT_EQ(VerdictOf("1"), kDuplicate);
  LetRowsBeMade();
  EXPECT_TRUE(Eventually([&] { return VerdictOf("new") == kProcessed; }));
}

// --- The keys' file ------------------------------------------------------------------------------

TEST_F(UnstoredTest, TheKeysFollowTheRows) {
  KilledWithUnstored(1, 600);
  LetRowsBeMade();
  Start();
  Rows();
  Stop();
  EXPECT_EQ(Store(database()).LoadKeysSeq(), 600U);
  // A row that cannot be read shows that the keys come from their file.
  Execute("UPDATE events SET event_id = 'changed' || seq");
  Start();
  ExpectDuplicates(1, 600);
}

// The store holds the records' rows, and their keys' file goes beyond them, but the journal was not yet told.
TEST_F(UnstoredTest, KeysThatWereNotedBeforeTheRecordsWereReleased) {
  std::string unreleased;
  KilledAfter([this] {
    PublishAll(1, 600);
    Rows();
  });
  unreleased = ReadFile(journal());
  Start();
  Stop();
  EXPECT_EQ(Store(database()).LoadKeysSeq(), 600U);
  WriteFile(journal(), unreleased);
  const StartedAndDied start = StartAndDie();
  EXPECT_EQ(start.ids, 600U);
  EXPECT_THAT(start.log, Not(HasSubstr("of an earlier one")));
  Start();
  ExpectDuplicates(1, 600);
  PublishAll(601, 601);
  EXPECT_EQ(Rows(), UpTo(601));
  Restart();
  ExpectDuplicates(1, 601);
}

// --- Where the store comes first -----------------------------------------------------------------

// What is not as a death of the process leaves it is brought into the store before the broker serves.
class NotInOrderTest : public UnstoredTest {
 protected:
  template <class Field>
  void OverwriteHeader(std::size_t offset, Field value) {
    Overwrite(journal(), offset, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  void ExpectAllIsStoredAtTheStart(std::size_t ids) {
    const StartedAndDied start = StartAndDie();
    EXPECT_EQ(start.unstored_bytes, 0U) << start.log;
    EXPECT_EQ(start.ids, ids) << start.log;
    EXPECT_GE(
        sqlite::Database(database(), sqlite::Database::Mode::kReadOnly).QueryInteger("SELECT count(*) FROM events"),
        static_cast<std::int64_t>(ids));
  }
  void KilledUnstored() {
    KilledWithUnstored(1, 5);
    EXPECT_GT(StartAndDie().unstored_bytes, 0U) << "it is in order so far";
    LetRowsBeMade();
  }
};

TEST_F(NotInOrderTest, ADamagedRecord) {
  KilledUnstored();
  Overwrite(journal(), ReadFile(journal()).find("{\"event_id\":\"3\"}"), "XXXX");
  ExpectAllIsStoredAtTheStart(4);
}

TEST_F(NotInOrderTest, ADamagedBeginning) {
  KilledUnstored();
  OverwriteHeader(offsetof(JournalHeader, released_position), std::uint64_t{1} << 40);
  ExpectAllIsStoredAtTheStart(5);
}

TEST_F(NotInOrderTest, AWatermarkBeyondEverySeq) {
  KilledUnstored();
  OverwriteHeader(offsetof(JournalHeader, handed_on_seq), std::uint64_t{1} << 40);
  ExpectAllIsStoredAtTheStart(5);
}

TEST_F(NotInOrderTest, TheNewestRecordIsGone) {
  KilledUnstored();
  const std::string bytes = ReadFile(journal());
  Overwrite(journal(), bytes.rfind("{\"event_id\":\"5\"}"), "XXXX");
  ExpectAllIsStoredAtTheStart(4);
  Start();
  EXPECT_EQ(Publish("new").seq, 6U) << "its seq is not used again";
}

TEST_F(NotInOrderTest, ANewerRow) {
  KilledUnstored();
  Execute(
      "INSERT INTO topics VALUES(1, 't');"
      "INSERT INTO events VALUES(9, 1, 'newer', 0, 0, 0, NULL, x'', NULL)");
  ExpectAllIsStoredAtTheStart(6);
  Start();
  EXPECT_EQ(Publish("newer").seq, 9U);
}

TEST_F(NotInOrderTest, SeqsThatAreMissing) {
  JournalHeader header{};
  header.secret = {1};
  {
    const auto made = Journal::Create(dir_.path(), options_.journal_bytes, header);
    for (const std::uint64_t seq : {3, 2, 7}) {
      const std::string id = std::to_string(seq);
      EXPECT_TRUE(Append(*made, {.seq = seq, .topic = "t", .event_id = id, .properties = {}, .payload = {}}));
    }
    made->SetHandedOnSeq(7);
  }
  ExpectAllIsStoredAtTheStart(3);
}

TEST_F(NotInOrderTest, AnotherBootWithoutAnOrderlyStop) {
  KilledUnstored();
  OverwriteHeader(offsetof(JournalHeader, clock.boot_number), std::uint64_t{4711});
  ExpectAllIsStoredAtTheStart(5);
}

TEST_F(NotInOrderTest, AnotherSize) {
  KilledUnstored();
  options_.journal_bytes = 2 << 20;
  ExpectAllIsStoredAtTheStart(5);
}

TEST_F(NotInOrderTest, ASalvagedStore) {
  KilledUnstored();
  OverwriteHeader(offsetof(JournalHeader, store_damage), StoreDamage::kFound);
  ExpectAllIsStoredAtTheStart(5);
}

TEST_F(NotInOrderTest, AStoreThatWasSalvagedInAStartThatFailedIsFilledAtTheNext) {
  KilledAfter([this] {
    PublishInDoubt();
    Rows();
  });
  Execute("DELETE FROM events WHERE seq = 3");
  OverwriteHeader(offsetof(JournalHeader, store_damage), StoreDamage::kSalvaged);
  Start();
  EXPECT_EQ(EventReader(dir_.path()).StoredSeq(), 5U);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 5));
  KilledAfter([this] { Turn(); });
  Start();
  EXPECT_THAT(TakeLog(), Not(HasSubstr("salvage")));
}

// --- What is lost, damaged or full meanwhile -----------------------------------------------------

TEST_F(UnstoredTest, TheSeqsOfEventsInDoubtAreNotGivenAgainWhereTheJournalIsLost) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([this] { PublishInDoubt(); });
  EXPECT_EQ(StartAndDie().in_doubt, 5U);
  std::filesystem::remove(journal());
  LetRowsBeMade();
  Start();
  EXPECT_GT(Publish("new").seq, 5U);
  Turn(4);
  Rows();
  Restart();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
  EXPECT_EQ(VerdictOf("new"), kDuplicate);
}

TEST_F(UnstoredTest, NoDoubtIsLeftOfAnEventWhoseRecordIsDamaged) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([this] { PublishInDoubt(); });
  EXPECT_EQ(StartAndDie().in_doubt, 5U);
  LetRowsBeMade();
  Overwrite(journal(), ReadFile(journal()).find("{\"event_id\":\"3\"}"), "XXXX");
  Start();
  EXPECT_THAT(TakeOverdue(), ElementsAre(1, 2, 4, 5));
  Turn(4);
  Stop();
  sqlite::Database store(database(), sqlite::Database::Mode::kReadOnly);
  EXPECT_EQ(store.QueryInteger("SELECT count(*) FROM in_doubt"), 0);
}

TEST_F(UnstoredTest, WithAFullJournalTheyAreHandedOnOnceAllTheSame) {
  options_.recovery_delay = std::chrono::milliseconds(0);
  LetNoRowBeMade();
  KilledAfter([this] {
    for (int id = 1; VerdictOf(std::to_string(id)) == kProcessed; ++id) Turn();
  });
  KilledAfter([this] {
    EXPECT_THAT(TakeOverdue(), Not(IsEmpty()));
    Turn(20);
  });
  KilledAfter([this] { EXPECT_THAT(TakeOverdue(), IsEmpty()); });
}

class DamagedKeysSeqTest : public UnstoredTest, public testing::WithParamInterface<std::int64_t> {};

TEST_P(DamagedKeysSeqTest, IsNotBelieved) {
  Start();
  PublishAll(1, 5);
  Rows();
  Stop();
  Execute(("UPDATE key_file SET keys_seq = " + std::to_string(GetParam())).c_str());
  Start();
  EXPECT_THAT(dedup_->trouble(), IsEmpty());
  ExpectDuplicates(1, 5);
}

INSTANTIATE_TEST_SUITE_P(, DamagedKeysSeqTest, testing::Values(8'000'000'000, 1'000'000'000'000'000'000));

}  // namespace
}  // namespace dedup
