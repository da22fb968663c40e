#include "plugin/core/start/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "plugin/core/store/schema.h"
#include "tests/unit/support/address_limit.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/held_store.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class RecoveryTest : public DeduplicatorFixture {
 protected:
  void HandOnImmediately() { options_.recovery_delay = 0ms; }

  std::filesystem::path database() const { return dir_ / Store::kFileName; }
  std::filesystem::path journal() const { return dir_ / JournalHeader::kFileName; }

  template <class Field>
  void OverwriteHeader(std::size_t offset, Field value) {
    Overwrite(journal(), offset, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  /// As if the machine had been booted since.
  void Reboot() { OverwriteHeader(offsetof(JournalHeader, clock.boot_number), std::uint64_t{4711}); }

  std::vector<std::string> SetAside() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      const std::string name = entry.path().filename();
      if (name.find(".damaged-") != std::string::npos && !name.ends_with("-wal") && !name.ends_with("-shm")) {
        names.push_back(name);
      }
    }
    return names;
  }
  /// Overwrites the page of the database with that event's payload.
  void DamagePageOf(const std::string& event_id) {
    const std::size_t at = ReadFile(database()).find("{\"event_id\":\"" + event_id + "\"}");
    Overwrite(database(), at / 4096 * 4096, std::string(4096, '\xAA'));
  }
  void DamageRootPageOf(const std::string& table_or_index) {
    std::size_t page = 0;
    {
      sqlite::Database whole(database(), sqlite::Database::Mode::kReadWriteCreate);
      const std::string sql = "SELECT rootpage FROM sqlite_schema WHERE name = '" + table_or_index + "'";
      page = static_cast<std::size_t>(whole.QueryInteger(sql.c_str()));
      whole.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    Overwrite(database(), (page - 1) * 4096, std::string(4096, '\xAA'));
  }
  /// Starts, publishes events "1" … and waits until they are rows and handed on.
  void StoreEvents(int count) {
    options_.journal_bytes = 1 << 20;
    Start();
    for (int i = 1; i <= count; ++i) Publish(std::to_string(i));
    Turn(2);
    Rows();
  }
  std::filesystem::path new_journal() const { return dir_ / (std::string(JournalHeader::kFileName) + ".empty"); }
  /// A start needs one of another size, and something is in its way.
  void LetNoNewJournalBeMade() {
    options_.journal_bytes = 1 << 20;
    std::filesystem::create_directories(new_journal() / "x");
  }
  std::string Trouble() {
    Start();
    return dedup_->trouble();
  }
};

// --- What is lost is known ---------------------------------------------------------------------------

class LossTest : public RecoveryTest {
 protected:
  ~LossTest() override { HeldStore::Hold(false); }

  /// Leaves `count` events that are records and no rows, behind one that is a row.
  void LeaveUnstored(int count) {
    StoreEvents(1);
    Stop();
    HeldStore::Hold(true);
    KilledAfter([&] {
      for (int i = 1; i <= count; ++i) EXPECT_EQ(VerdictOf("unstored " + std::to_string(i)), kProcessed);
      Turn(3);
    });
    HeldStore::Hold(false);
  }
  void Execute(const char* sql) { sqlite::Database(database(), sqlite::Database::Mode::kReadWriteCreate).Execute(sql); }
  /// Starts once more: what was told is not told again.
  void ExpectToldOnce(std::uint64_t lost) {
    EXPECT_EQ(Stats().lost, lost);
    const std::int64_t lost_ms = Stats().lost_ms;
    EXPECT_GT(lost_ms, 0);
    EXPECT_EQ(VerdictOf("a new one"), kProcessed);
    Restart();
    EXPECT_THAT(TakeLog(), Not(HasSubstr("lost")));
    EXPECT_EQ(Stats().lost, lost);
    EXPECT_EQ(Stats().lost_ms, lost_ms) << "the time of the loss, not of the last start";
    EXPECT_EQ(VerdictOf("a new one"), kDuplicate);
  }
};

TEST_F(LossTest, OfAJournalThatWasCutShort) {
  LeaveUnstored(20);
  const std::string bytes = ReadFile(journal());
  std::filesystem::resize_file(journal(), 700);
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the journal lacks its last "), HasSubstr("up to 20 accepted events are lost"),
                               HasSubstr("set aside as")));
  ASSERT_THAT(SetAside(), testing::SizeIs(1));
  EXPECT_EQ(ReadFile(dir_ / SetAside()[0]).substr(0, 64), bytes.substr(0, 64));
  EXPECT_EQ(Publish("next").seq, 22U) << "no seq is given twice";
  ExpectToldOnce(20);
}

TEST_F(LossTest, OfAHoleInTheJournalWhoseBytesAreKept) {
  LeaveUnstored(20);
  const std::size_t hole = ReadFile(journal()).find("unstored 7\"");
  Overwrite(journal(), hole, "unstored 8");
  const std::string bytes = ReadFile(journal());
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the journal is damaged"), HasSubstr("up to 1 accepted events are lost")));
  ASSERT_THAT(SetAside(), testing::SizeIs(1));
  const std::string kept = ReadFile(dir_ / SetAside()[0]);
  EXPECT_EQ(kept.substr(JournalHeader::kRoomBytes), bytes.substr(JournalHeader::kRoomBytes));
  EXPECT_EQ(Rows().size(), 20U);
  ExpectToldOnce(1);
}

TEST_F(LossTest, OfABlockThatTheDiskDoesNotGive) {
  LeaveUnstored(200);
  const std::string bytes = ReadFile(journal());
  const auto block = static_cast<off_t>(bytes.find("unstored 100\"") / 4096 * 4096);
  {
    const UnreadableSector sector("events.journal", block + 100, block + 200);
    Start();
    EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the disk does not give 4096 bytes of the journal"), HasSubstr("are lost"),
                                 HasSubstr("set aside as")));
    const std::size_t rows = Rows().size();
    EXPECT_GT(rows, 200 - 4096 / 60U) << "what stands around it is kept";
    EXPECT_LT(rows, 201U);
    EXPECT_EQ(VerdictOf("unstored 1"), kDuplicate);
    EXPECT_EQ(VerdictOf("unstored 200"), kDuplicate);
    EXPECT_EQ(VerdictOf("unstored 100"), kProcessed);
    EXPECT_EQ(Stats().lost, 201 - rows);
  }
  ASSERT_THAT(SetAside(), testing::SizeIs(1));
  const std::string kept = ReadFile(dir_ / SetAside()[0]);
  EXPECT_EQ(kept.substr(JournalHeader::kRoomBytes), bytes.substr(JournalHeader::kRoomBytes));
}

TEST_F(LossTest, OfADatabaseThatIsAnOlderCopy) {
  StoreEvents(5);
  Stop();
  const std::string older = ReadFile(database());
  StoreEvents(30);
  Stop();
  WriteFile(database(), older);
  std::filesystem::remove(database().string() + "-wal");
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("up to 25 accepted events are lost"));
  EXPECT_THAT(SetAside(), IsEmpty()) << "the journal is whole";
  ExpectToldOnce(25);
}

TEST_F(LossTest, OfAPowerCutIsNoDamage) {
  LeaveUnstored(20);
  const std::size_t last = ReadFile(journal()).find("unstored 20\"");
  Overwrite(journal(), last, std::string(40, '\0'));
  Reboot();
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the power cut has cost the newest 1 accepted events")));
  EXPECT_THAT(SetAside(), IsEmpty());
  ExpectToldOnce(1);
}

TEST_F(LossTest, OfNothingIsNotTold) {
  LeaveUnstored(20);
  Start();
  EXPECT_THAT(TakeLog(), Not(HasSubstr("lost")));
  EXPECT_EQ(Stats().lost, 0U);
}

TEST_F(LossTest, OfTheJournalLeavesRulesTheirKeys) {
  options_.rules_file = dir_ / "rules.json";
  WriteFile(options_.rules_file, R"({"rules": [{"name": "r", "topics": ["t"], "key": ["/n"], "window": "1h"}]})");
  Start();
  EXPECT_EQ(Send(R"({"n":1})").verdict, kProcessed);
  Turn(3);
  Rows();
  Stop();
  std::filesystem::remove(journal());
  Start();
  EXPECT_EQ(Send(R"({"n":1})").verdict, kDuplicate) << "the store has what they were made with";
}

// --- Files that go while they are used ---------------------------------------------------------------

TEST_F(RecoveryTest, FilesThatAreRemovedOrExchangedAreNoticed) {
  for (const std::filesystem::path& path : {database(), journal()}) {
    StoreEvents(1);
    TakeLog();
    const std::filesystem::path away = dir_ / "away";
    std::filesystem::rename(path, away);
    if (path == journal()) WriteFile(path, "another");
    EXPECT_TRUE(Eventually([&] {
      static int number = 0;
      return VerdictOf("while away " + std::to_string(++number)) == kRefused;
    })) << path;
    std::string log;  // the writer tells it a moment after it has let nothing more be accepted
    Eventually([&] { return (log += TakeLog()).find(path.string()) != std::string::npos; });
    EXPECT_THAT(log, AllOf(HasSubstr(path.string()), HasSubstr("removed or exchanged")));
    std::filesystem::rename(away, path);
    EXPECT_TRUE(Eventually([&] {
      static int number = 0;
      return VerdictOf("back " + std::to_string(++number)) == kProcessed;
    })) << path;
    Rows();
    Stop();
  }
}

// --- Stops and deaths ----------------------------------------------------------------------------

TEST_F(RecoveryTest, AfterAStopNothingIsForgotten) {
  Start();
  for (const char* const id : {"a", "b", "a", ""}) Publish(id);
  Turn(2);
  Restart();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(Publish("b").seq, 2U);
  EXPECT_EQ(Publish("c").seq, 3U);
  EXPECT_EQ(Stats().processed, 3U);
  EXPECT_EQ(Stats().duplicates, 3U);
  EXPECT_EQ(Stats().passed, 1U);
  EXPECT_EQ(Rows(), UpTo(3));
}

TEST_F(RecoveryTest, AfterAKillNothingIsForgotten) {
  KilledAfter([this] {
    for (const char* const id : {"a", "b", "a", ""}) Publish(id);
    Turn(2);
  });
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(Publish("b").seq, 2U);
  EXPECT_EQ(Publish("c").seq, 3U);
  EXPECT_EQ(Stats().processed, 3U);
  EXPECT_EQ(Stats().duplicates, 3U);
  EXPECT_EQ(Stats().passed, 1U);
  EXPECT_EQ(Rows(), UpTo(3));
}

TEST_F(RecoveryTest, AKillAtAnyMomentLosesNoAcceptedEvent) {
  for (int kills = 1; kills <= 5; ++kills) {
    KilledAfter([&] {
      for (int i = 1; i <= kills * 40; ++i) Publish(std::to_string(i));
      std::this_thread::sleep_for(std::chrono::milliseconds(kills % 3));
    });
  }
  Start();
  EXPECT_EQ(Rows(), UpTo(200));
  EXPECT_EQ(Stats().processed, 200U);
}

TEST_F(RecoveryTest, TheDirectoryIsMade) {
  options_.data_dir = dir_ / "a" / "b";
  Start();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "a" / "b" / "events.db"));
}

TEST_F(RecoveryTest, ADirectoryServesOneAtATime) {
  Start();
  try {
    const Deduplicator second(options_);
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(dir_.path().string()), HasSubstr("another")));
  }
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "the first is not disturbed";
  Restart();
  EXPECT_EQ(VerdictOf("b"), kProcessed);
}

TEST_F(RecoveryTest, ADirectoryThatCannotBeMadeIsAnError) {
  WriteFile(dir_ / "file", "x");
  options_.data_dir = dir_ / "file" / "x";
  EXPECT_THAT(Trouble(),
              AllOf(HasSubstr((dir_ / "file" / "x").string()), HasSubstr("must be able to write to data_dir")));
}

// --- In doubt ------------------------------------------------------------------------------------

TEST_F(RecoveryTest, EventsOfTheLastTwoTurnsAreInDoubt) {
  KilledAfter([this] {
    Publish("a");
    Turn();
    Publish("b");
    Turn();
    Publish("c");
  });
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  for (const char* const id : {"b", "c"}) {
    const std::uint64_t seq = id == "b"sv ? 2 : 3;
    const Decision first = Publish(id);
    EXPECT_EQ(first.verdict, kProcessed) << id;
    EXPECT_EQ(first.seq, seq);
    const Decision second = Publish(id);
    EXPECT_EQ(second.verdict, kDuplicate) << id;
    EXPECT_EQ(second.seq, seq);
  }
  EXPECT_EQ(Rows(), UpTo(3));
  EXPECT_EQ(Stats().processed, 3U) << "one event, however often it was handed on";
}

TEST_F(RecoveryTest, SoTheyAreAfterAnOrderlyStop) {
  Start();
  Publish("a");
  Turn(2);
  PublishAtQos2("b");
  Restart();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(VerdictOf("b"), kProcessed);
  EXPECT_EQ(VerdictOf("b"), kDuplicate);
}

TEST_F(RecoveryTest, WhoeverComesFirstTheCopyOrTheDelayHandsThemOnOnce) {
  options_.recovery_delay = 500ms;
  KilledAfter([this] {
    for (const char* const id : {"a", "b", "c"}) Publish(id);
  });
  Start();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
  EXPECT_EQ(VerdictOf("b"), kProcessed);
  Seqs overdue;
  EXPECT_TRUE(Eventually([&] { return !(overdue = TakeOverdue()).empty(); }));
  EXPECT_THAT(overdue, ElementsAre(1, 3));
  for (const char* const id : {"a", "b", "c"}) EXPECT_EQ(VerdictOf(id), kDuplicate);
  EXPECT_THAT(TakeOverdue(), IsEmpty());
}

TEST_F(RecoveryTest, AnOverdueEventIsWhole) {
  HandOnImmediately();
  KilledAfter([&] { Send(MakeFullMessage()); });
  Start();
  TakeFullMessage(1);
}

TEST_F(RecoveryTest, TheyStayInDoubtThroughFurtherDeaths) {
  KilledAfter([this] { Publish("a"); });
  KilledAfter([this] { Turn(10); });
  Start();
  Turn(10);
  Restart();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
}

TEST_F(RecoveryTest, ADeathWhileTheyAreHandedOnLeavesThemInDoubt) {
  KilledAfter([this] { Publish("a"); });
  KilledAfter([this] {
    EXPECT_EQ(VerdictOf("a"), kProcessed);
    Turn(2);
  });
  Start();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
}

TEST_F(RecoveryTest, OnceTheyAreHandedOnADeathDoesNotBringThemBack) {
  HandOnImmediately();
  KilledAfter([this] {
    Publish("a");
    Publish("b");
  });
  KilledAfter([this] {
    EXPECT_EQ(VerdictOf("a"), kProcessed);
    EXPECT_THAT(TakeOverdue(), ElementsAre(2));
    Turn(3);
  });
  for (int starts = 0; starts < 2; ++starts) {
    Start();
    EXPECT_THAT(TakeOverdue(), IsEmpty());
    EXPECT_EQ(VerdictOf("a"), kDuplicate);
    EXPECT_EQ(VerdictOf("b"), kDuplicate);
  }
}

TEST_F(RecoveryTest, AnEventThatCouldNotBeHandedOnKeepsThoseBehindItInDoubt) {
  KilledAfter([this] {
    Publish("a");
    Turn(2);
    const Decision outcome = Publish("b");
    dedup_->OnHandOnFailed(MakeMessage(payload_), outcome);
    Turn(5);
  });
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(VerdictOf("b"), kProcessed);
}

TEST_F(RecoveryTest, AnEventThatThereWasNoMemoryToHandOnIsInDoubtAtTheNextStart) {
  KilledAfter([this] {
    Publish("a");
    Turn(2);
    const Decision decision = Publish("b");
    const std::string payload(64 << 20, 'x');
    Message message = MakeMessage(payload_);
    message.payload = payload;  // more than there is memory for
    {
      const AddressLimit limit(16 << 20);
      dedup_->OnHandOnFailed(message, decision);
    }
    EXPECT_THAT(TakeLog(), HasSubstr("no memory to hand on event 2"));
    Turn(3);
    EXPECT_EQ(VerdictOf("b"), kDuplicate);
  });
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_EQ(VerdictOf("b"), kProcessed);
}

TEST_F(RecoveryTest, AnEventInDoubtThatThereWasNoMemoryToHandOnStaysInDoubtAndTheWatermarkGoesOn) {
  KilledAfter([this] { Publish("a"); });
  KilledAfter([this] {
    const Decision decision = Publish("a");
    const std::string payload(64 << 20, 'x');
    Message message = MakeMessage(payload_);
    message.payload = payload;
    {
      const AddressLimit limit(16 << 20);
      dedup_->OnHandOnFailed(message, decision);
    }
    Publish("later");
    Turn(5);
  });
  Start();
  EXPECT_EQ(VerdictOf("later"), kDuplicate);
  EXPECT_EQ(VerdictOf("a"), kProcessed);
}

TEST_F(RecoveryTest, WithoutRoomInTheJournalItIsNotedLaterThatTheyWereHandedOn) {
  KilledAfter([this] { Publish("doubt"); });
  KilledAfter([this] {
    EXPECT_EQ(VerdictOf("doubt"), kProcessed);
    const std::uint64_t count = PublishUntilFull();
    Turn(3);
    EXPECT_TRUE(Eventually([&] {
      Turn();
      return VerdictOf(std::to_string(count + 1)) == kProcessed;
    }));
    Turn(3);
  });
  Start();
  EXPECT_EQ(VerdictOf("doubt"), kDuplicate);
}

TEST_F(RecoveryTest, MoreInDoubtThanABatchHolds) {
  HandOnImmediately();
  options_.journal_bytes = 1 << 20;
  KilledAfter([this] {
    for (int i = 1; i <= 5000; ++i) Publish(std::to_string(i));
  });
  Start();
  EXPECT_EQ(TakeOverdue(), UpTo(5000));
  Turn(3);
  EXPECT_EQ(Rows(), UpTo(5000));
  Restart();
  EXPECT_THAT(TakeOverdue(), IsEmpty());
}

// --- Clocks and power cuts -----------------------------------------------------------------------

TEST_F(RecoveryTest, AfterAPowerCutSeqsAreSkippedSoThatNoneIsUsedTwice) {
  KilledAfter([this] {
    Publish("a");
    Turn(2);
  });
  Reboot();
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_GT(Publish("b").seq, 100'000U);
  EXPECT_EQ(Stats().processed, 2U) << "skipped seqs are no events";
  Restart();
  EXPECT_EQ(Stats().processed, 2U);
}

TEST_F(RecoveryTest, AfterAnOrderlyStopABootSkipsNothing) {
  Start();
  Publish("a");
  Stop();
  Reboot();
  Start();
  EXPECT_EQ(Publish("b").seq, 2U);
}

TEST_F(RecoveryTest, AnotherBootWithoutATrustworthyClockForgetsNothing) {
  options_.window = options_.retention = 1h;
  Start();
  Publish("a");
  Turn(2);
  Stop();
  Reboot();
  OverwriteHeader(offsetof(JournalHeader, clock.wall_ms), INT64_MAX / 2);  // since then the wall clock went backwards
  Start();
  std::this_thread::sleep_for(20ms);
  Turn();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
}

TEST_F(RecoveryTest, TheWindowGoesOnWhileTheBrokerIsAway) {
  options_.window = options_.retention = 1h;
  const auto stay_away = [this](std::chrono::milliseconds time) {
    Stop();
    OverwriteHeader(offsetof(JournalHeader, clock.boot_ms), Clock({}).state().boot_ms - time.count());
    Start();
  };
  Start();
  Publish("a");
  Turn(2);
  stay_away(59min);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  stay_away(2min);
  EXPECT_TRUE(Eventually([&] { return VerdictOf("a") == kProcessed; }));
  Restart();
  EXPECT_EQ(Publish("a").seq, 2U) << "what was forgotten stays forgotten";
}

// --- Another journal -----------------------------------------------------------------------------

TEST_F(RecoveryTest, TheJournalsSizeMayChange) {
  const std::uint64_t sizes[] = {256 << 10, 64 << 10, (64 << 10) + 1};
  Start();
  Publish("a");
  Turn(2);
  PublishAtQos2("doubt");
  for (const std::uint64_t size : sizes) {
    options_.journal_bytes = size;
    Restart();
    EXPECT_EQ(Stats().journal_size_bytes, Journal::RingBytes(size));
    EXPECT_EQ(VerdictOf("a"), kDuplicate) << "the secret is the same";
    EXPECT_EQ(Publish(std::to_string(size)).verdict, kProcessed);
  }
  EXPECT_EQ(VerdictOf("doubt"), kProcessed);
  EXPECT_EQ(Stats().processed, 5U);
  EXPECT_EQ(Stats().duplicates, 3U);
  EXPECT_EQ(Rows(), UpTo(5));
  EXPECT_THAT(SetAside(), IsEmpty());
}

TEST_F(RecoveryTest, WithoutTheJournalTheStoreRemembers) {
  Start();
  for (const char* const id : {"a", "b", "a"}) Publish(id);
  Turn(2);
  Stop();
  std::filesystem::remove(journal());
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_GT(Publish("c").seq, 100'000U) << "seqs that the journal may have given are not used again";
  EXPECT_EQ(Stats().processed, 3U);
  EXPECT_EQ(Stats().duplicates, 2U);
}

TEST_F(RecoveryTest, WithoutTheStoreTheSeqsGoOn) {
  Start();
  Publish("a");
  Turn(2);
  Stop();
  std::filesystem::remove(database());
  Start();
  EXPECT_EQ(Publish("b").seq, 2U);
}

// --- Damage --------------------------------------------------------------------------------------

TEST_F(RecoveryTest, ADamagedJournalIsSetAsideAndTheStoreRemembers) {
  Start();
  Publish("a");
  Rows();
  Stop();
  Overwrite(journal(), 0, "garbage");
  Start();
  EXPECT_THAT(TakeLog(),
              AllOf(HasSubstr("not a journal"), HasSubstr("set aside"), HasSubstr("events.journal.damaged-")));
  EXPECT_THAT(SetAside(), SizeIs(1));
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_GT(Publish("b").seq, 100'000U);
  EXPECT_EQ(Rows().size(), 2U);
}

TEST_F(RecoveryTest, DamagedFilesOfOneSecondGetDifferentNames) {
  for (std::size_t times = 1; times <= 3; ++times) {
    Start();
    Stop();
    Overwrite(journal(), 0, "garbage");
    Start();
    EXPECT_THAT(SetAside(), SizeIs(times));
  }
}

TEST_F(RecoveryTest, ATornRecordIsToldAndDropped) {
  KilledAfter([this] {
    Publish("a");
    Publish("b");
    Rows();
  });
  // The store has them already; so drop it, to see what the journal alone gives.
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database().string() + suffix);
  const std::string bytes = ReadFile(journal());
  Overwrite(journal(), bytes.rfind("{\"event_id\":\"b\"}"), "{");
  Overwrite(journal(), bytes.rfind("{\"event_id\":\"b\"}") + 4, "\0\0"sv);
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("cut short at the journal's end"));
  EXPECT_EQ(VerdictOf("b"), kProcessed);
  EXPECT_EQ(Rows(), (Seqs{1, 3})) << "its seq is not used again";
}

TEST_F(RecoveryTest, DamageInTheJournalsMiddleIsToldAndTheRestIsKept) {
  KilledAfter([this] {
    for (const char* const id : {"a", "b", "c"}) Publish(id);
    Rows();
  });
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database().string() + suffix);
  Overwrite(journal(), ReadFile(journal()).find("{\"event_id\":\"b\"}"), "XXXX");
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("the journal is damaged"), HasSubstr("2 records are kept")));
  EXPECT_EQ(Rows(), (Seqs{1, 3}));
  EXPECT_EQ(Publish("d").seq, 4U);
}

TEST_F(RecoveryTest, AHeaderThatCannotBeIsTold) {
  KilledAfter([this] {
    Publish("a");
    Publish("b");
    Rows();
  });
  OverwriteHeader(offsetof(JournalHeader, released_position), std::uint64_t{1} << 40);
  OverwriteHeader(offsetof(JournalHeader, accepted_seq), std::uint64_t{1} << 50);
  Start();
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr("had to be searched for; 2 records"), HasSubstr("newest seq cannot be")));
  EXPECT_EQ(Rows().size(), 2U);
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "in doubt";
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_LT(Publish("c").seq, 10'000'000U);
  EXPECT_EQ(Stats().processed, 3U);
}

TEST_F(RecoveryTest, ADamagedDatabaseIsSetAsideAndWhatIsReadableComesOver) {
  StoreEvents(2000);
  PublishAtQos2("doubt");
  Stop();
  DamagePageOf("1000");
  std::filesystem::remove(dir_ / KeyFile::kFileName);
  Start();
  const std::string log = TakeLog();
  EXPECT_THAT(log,
              AllOf(HasSubstr("malformed"), HasSubstr("events.db.damaged-"), HasSubstr("events that could be read")));
  EXPECT_THAT(SetAside(), SizeIs(1));
  EXPECT_EQ(VerdictOf("1"), kDuplicate);
  EXPECT_EQ(VerdictOf("2000"), kDuplicate);
  EXPECT_EQ(VerdictOf("doubt"), kProcessed) << "the journal still has it, in doubt";
  EXPECT_EQ(Publish("new").seq, 2002U);
  EXPECT_GT(Rows().size(), 1900U);
  EXPECT_EQ(Stats().processed, 2002U);
}

TEST_F(RecoveryTest, TheIdOfALostRowIsStillKnown) {
  StoreEvents(2000);
  Stop();
  DamagePageOf("1000");
  OverwriteHeader(offsetof(JournalHeader, store_damage), StoreDamage::kFound);
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("are lost, but not their ids"));
  EXPECT_LT(Rows().size(), 2000U);
  EXPECT_EQ(Stats().lost, 2000 - Rows().size());
  for (int i = 1; i <= 2000; ++i) ASSERT_EQ(VerdictOf(std::to_string(i)), kDuplicate) << i;
  const std::uint64_t lost = Stats().lost;
  const std::int64_t lost_ms = Stats().lost_ms;
  EXPECT_GT(lost_ms, 0);
  Restart();
  EXPECT_EQ(Stats().lost, lost) << "counted once";
  EXPECT_EQ(Stats().lost_ms, lost_ms);
}

TEST_F(RecoveryTest, ARowThatTheJournalHasIsNotLost) {
  KilledAfter([&] { StoreEvents(2000); });
  DamagePageOf("1000");
  OverwriteHeader(offsetof(JournalHeader, store_damage), StoreDamage::kFound);
  Start();
  EXPECT_EQ(Rows(), UpTo(2000));
  EXPECT_EQ(Stats().lost, 0U);
  EXPECT_EQ(Stats().lost_ms, 0);
}

TEST_F(RecoveryTest, ARuleKeyWhoseSeqIsNoneIsDamage) {
  StoreEvents(3);
  Stop();
  sqlite::Database(database(), sqlite::Database::Mode::kReadWriteCreate)
      .Execute("INSERT INTO rule_keys VALUES(9223372036854775807, 1 << 44, 0, zeroblob(16))");
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("a row's seq is not one"));
  EXPECT_THAT(SetAside(), testing::SizeIs(1));
  EXPECT_EQ(VerdictOf("2"), kDuplicate);
  EXPECT_EQ(VerdictOf("4"), kProcessed);
}

TEST_F(RecoveryTest, DamageThatTheWriterMeetsIsRepairedAtTheNextStart) {
  StoreEvents(2000);
  Stop();
  DamageRootPageOf("events_by_id");
  Start();
  EXPECT_THAT(SetAside(), IsEmpty()) << "nobody has read that page";
  EXPECT_EQ(VerdictOf("2000"), kDuplicate);
  EXPECT_EQ(VerdictOf("new"), kProcessed);
  std::string log;
  EXPECT_TRUE(Eventually([&] { return (log += TakeLog()).find("restart the broker") != std::string::npos; }));
  EXPECT_THAT(log, HasSubstr("malformed"));
  EXPECT_TRUE(Stats().store_failing);
  Turn(2);
  Restart();
  EXPECT_THAT(SetAside(), SizeIs(1));
  EXPECT_EQ(VerdictOf("1"), kDuplicate);
  EXPECT_EQ(VerdictOf("new"), kDuplicate);
  EXPECT_GT(Rows().size(), 1900U);
  Restart();
  EXPECT_THAT(SetAside(), SizeIs(1)) << "once is enough";
}

TEST_F(RecoveryTest, ADeathWhileADamagedDatabaseIsSavedCostsNothing) {
  StoreEvents(2000);
  Stop();
  DamagePageOf("1000");
  std::filesystem::remove(dir_ / KeyFile::kFileName);
  EXPECT_EXIT(
      {
        rlimit limit;  // what is written beyond it costs the process its life
        limit.rlim_cur = limit.rlim_max = 100'000;
        setrlimit(RLIMIT_FSIZE, &limit);
        Start();
      },
      testing::KilledBySignal(SIGXFSZ), "");
  Start();
  EXPECT_EQ(VerdictOf("1"), kDuplicate);
  EXPECT_EQ(VerdictOf("2000"), kDuplicate);
  EXPECT_EQ(Publish("new").seq, 2001U);
}

TEST_F(RecoveryTest, ASavedDatabaseThatHasNotReachedItsPlaceIsPutThere) {
  Start();
  Publish("a");
  Turn(2);
  Stop();
  std::filesystem::rename(database(), database().string() + ".salvaged");
  WriteFile(database().string() + "-wal", "of the damaged one");
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_FALSE(std::filesystem::exists(database().string() + ".salvaged"));
}

TEST_F(RecoveryTest, WhatIsNoDatabaseIsSetAsideAndTheJournalComesOver) {
  KilledAfter([this] { Publish("a"); });
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database().string() + suffix);
  WriteFile(database(), std::string(10'000, 'x'));
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("0 events that could be read of it are kept"));
  EXPECT_THAT(Rows(), ElementsAre(1));
  EXPECT_EQ(VerdictOf("a"), kProcessed) << "in doubt";
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
}

// --- Starts that fail on the way -----------------------------------------------------------------

// The journal's records are replayed into a database whose damage shows only when the keys are read.
TEST_F(RecoveryTest, TheJournalKeepsItsRecordsUntilAllRowsAreRead) {
  Start();
  for (int i = 1; i <= 5; ++i) Publish(std::to_string(i));
  Turn(2);
  Rows();
  Stop();
  KilledAfter([this] {
    for (int i = 6; i <= 10; ++i) Publish(std::to_string(i));
  });
  std::filesystem::remove(dir_ / KeyFile::kFileName);
  DamageRootPageOf("events_by_topic");
  Start();
  for (int i = 6; i <= 10; ++i) {
    EXPECT_EQ(Publish(std::to_string(i)).seq, static_cast<std::uint64_t>(i)) << TakeLog();
  }
}

TEST_F(RecoveryTest, SeqsAreSkippedOnceForAPowerCutHoweverOftenAStartFails) {
  KilledAfter([this] { Publish("a"); });
  Reboot();
  LetNoNewJournalBeMade();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Trouble(), Not(IsEmpty()));
  Stop();
  std::filesystem::remove_all(new_journal());
  Start();
  EXPECT_EQ(Publish("b").seq, 1'000'002U);
  KilledAfter([] {});
  Start();
  EXPECT_EQ(Publish("c").seq, 1'000'003U);
}

TEST_F(RecoveryTest, DamageIsRepairedOnceHoweverOftenAStartFails) {
  Start();
  Publish("a");
  Turn(2);
  Rows();
  Stop();
  OverwriteHeader(offsetof(JournalHeader, store_damage), StoreDamage::kFound);
  LetNoNewJournalBeMade();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Trouble(), Not(IsEmpty()));
  Stop();
  EXPECT_THAT(SetAside(), SizeIs(1));
  std::filesystem::remove_all(new_journal());
  Start();
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
  EXPECT_THAT(TakeLog(), Not(HasSubstr("are lost")));
}

// --- The keys beside the store -------------------------------------------------------------------

TEST_F(RecoveryTest, KeysComeFromTheirFileAndTheNewestFromTheRows) {
  Start();
  for (int i = 1; i <= 300; ++i) Publish(std::to_string(i));
  Turn(2);
  Stop();
  KilledAfter([this] {
    Publish("301");
    Turn(2);
    Rows();
  });
  // A row that cannot be read shows where the keys came from.
  sqlite::Database(database(), sqlite::Database::Mode::kReadWriteCreate)
      .Execute("UPDATE events SET event_id = 'changed' WHERE seq = 300");
  Start();
  EXPECT_EQ(VerdictOf("300"), kDuplicate) << "from the file";
  EXPECT_EQ(VerdictOf("301"), kDuplicate) << "from its row";
  EXPECT_THAT(TakeLog(), Not(HasSubstr("events.keys")));
}

TEST_F(RecoveryTest, WithoutTheKeyFileOrWithADamagedOneTheAnswersAreTheSame) {
  StoreEvents(1000);
  Stop();
  const std::filesystem::path keys = dir_ / KeyFile::kFileName;
  const std::vector<std::function<void()>> damages = {
      [&] { std::filesystem::remove(keys); }, [&] { Overwrite(keys, 0, "x"); },
      [&] { Overwrite(keys, 10'000, "damaged!"); }, [&] { std::filesystem::resize_file(keys, 9'000); }};
  for (const auto& damage : damages) {
    damage();
    Start();
    EXPECT_THAT(TakeLog(),
                AllOf(HasSubstr("events.keys is lost or damaged behind event "), HasSubstr("1000 event ids")));
    for (int i = 1; i <= 1000; ++i) ASSERT_EQ(VerdictOf(std::to_string(i)), kDuplicate) << i;
    Restart();
    EXPECT_THAT(TakeLog(), Not(HasSubstr("events.keys"))) << "it was mended";
    for (int i = 1; i <= 1000; ++i) ASSERT_EQ(VerdictOf(std::to_string(i)), kDuplicate) << i;
    Stop();
  }
}

// Only the index in memory compares all of them.
TEST_F(RecoveryTest, EventsThatRepeatAnEarlierOneAreNoticed) {
  Start();
  Publish("a");
  Turn(2);
  Stop();
  sqlite::Database(database(), sqlite::Database::Mode::kReadWriteCreate)
      .Execute(
          "INSERT INTO events SELECT seq + 131072, topic_id, event_id, 0, received_us, accepted_ms, source, payload, "
          "NULL "
          "FROM events");
  for (int i = 0; i < 2; ++i) {  // from the rows, then from their file
    Start();
    EXPECT_THAT(TakeLog(), HasSubstr("1 stored events have the topic and id of an earlier one"));
    EXPECT_EQ(Publish("a").seq, 1U);
    Stop();
  }
}

TEST_F(RecoveryTest, AnOlderDatabaseIsBelievedMoreThanNewerKeys) {
  Start();
  Publish("a");
  Turn(2);
  Rows();
  Stop();
  std::filesystem::copy_file(database(), dir_ / "backup");
  Start();
  Publish("b");
  Turn(2);
  Rows();
  Stop();
  std::filesystem::remove(database());
  std::filesystem::rename(dir_ / "backup", database());
  for (int i = 0; i < 2; ++i) {
    Start();
    EXPECT_EQ(VerdictOf("a"), kDuplicate);
    EXPECT_EQ(VerdictOf("b"), i == 0 ? kProcessed : kDuplicate);
    Turn(2);
    Stop();
  }
}

TEST_F(RecoveryTest, FilesOfANewerVersionAreLeftAlone) {
  Start();
  Publish("a");
  Stop();
  OverwriteHeader(offsetof(JournalHeader, version), JournalHeader::kVersion + 1);
  EXPECT_THAT(Trouble(), AllOf(HasSubstr("events.journal"), HasSubstr("newer")));
  Stop();
  OverwriteHeader(offsetof(JournalHeader, version), JournalHeader::kVersion);
  const auto set_schema = [this](int version) {
    sqlite::Database(database(), sqlite::Database::Mode::kReadWriteCreate)
        .Execute(("PRAGMA user_version = " + std::to_string(version)).c_str());
  };
  set_schema(kSchemaVersion + 1);
  EXPECT_THAT(Trouble(), AllOf(HasSubstr("events.db"), HasSubstr("newer")));
  Stop();
  set_schema(kSchemaVersion);
  Start();
  EXPECT_EQ(Publish("a").seq, 1U);
  EXPECT_THAT(SetAside(), IsEmpty());
}

TEST_F(RecoveryTest, ADatabaseOfAnOlderVersionIsMigrated) {
  std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-1.db", database());
  options_.recovery_delay = 1h;
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("migrated from schema 1 to " + std::to_string(kSchemaVersion) + ": 6 events in "));
  EXPECT_EQ(VerdictOf("a", "sensors/2"), kDuplicate);
  EXPECT_EQ(VerdictOf("4", "größe"), kProcessed) << "in doubt";
  EXPECT_EQ(VerdictOf("b", "sensors/1"), kProcessed) << "its window was over";
  Turn(2);
  Restart();
  EXPECT_THAT(TakeLog(), Not(HasSubstr("migrated")));
  EXPECT_EQ(VerdictOf("b", "sensors/1"), kDuplicate);
}

// Of a broker that was killed with 9 events stored, 23 more in the journal, and the last of those perhaps not handed
// on. Neither file says by its version what it lacks.
TEST_F(RecoveryTest, TheFirstDataDirectoryGoesOn) {
  const std::uint64_t this_boot = Clock({}).state().boot_number;
  for (const bool was_tried : {false, true}) {  // by a version that could migrate the database but not use it
    for (const std::uint64_t boot_number : {this_boot, this_boot + 1}) {
      SCOPED_TRACE(std::to_string(was_tried) + (boot_number == this_boot ? " the same boot" : " another boot"));
      Stop();
      for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) std::filesystem::remove(entry);
      for (const std::filesystem::path& path : {database(), journal()}) {
        std::filesystem::copy_file(std::filesystem::path(DEDUP_FIXTURES "/first-data-dir") / path.filename(), path);
      }
      constexpr std::size_t kFirstBootNumberOffset = 104;
      OverwriteHeader(kFirstBootNumberOffset, boot_number);
      if (was_tried) {
        sqlite::Database tried(database(), sqlite::Database::Mode::kReadWriteCreate);
        PrepareSchema(tried);
        tried.Execute(
            "ALTER TABLE state DROP COLUMN synced; DROP INDEX events_by_rule; ALTER TABLE in_doubt DROP COLUMN payload;"
            "ALTER TABLE key_file DROP COLUMN secret; ALTER TABLE state DROP COLUMN lost;"
            "ALTER TABLE events DROP COLUMN rule_id; DROP TABLE rules; DROP TABLE rule_keys; PRAGMA user_version = 4");
      }

      Start();
      EXPECT_THAT(TakeLog(), AllOf(HasSubstr(was_tried ? "events.db was migrated from schema 4"
                                                       : "events.db was migrated from schema 1"),
                                   HasSubstr("events.journal was migrated to format 3"), Not(HasSubstr("damaged")),
                                   Not(HasSubstr("cannot"))));
      EXPECT_EQ(Stats().processed, 32U);
      EXPECT_EQ(Stats().duplicates, 2U);
      EXPECT_EQ(Stats().passed, 2U);
      EXPECT_EQ(Stats().invalid_ids, 1U);
      EXPECT_LE(Stats().journal_used_bytes, Stats().journal_size_bytes);
      for (const char* const id : {"stored-0", "stored-1", "stored-2"}) {
        for (const char* const topic : {"sensor/1", "sensor/2", "sensor/3"})
          EXPECT_EQ(VerdictOf(id, topic), kDuplicate);
      }
      for (int i = 0; i < 20; ++i) EXPECT_EQ(VerdictOf("journal-" + std::to_string(i), "sensor/1"), kDuplicate);
      EXPECT_EQ(VerdictOf("doubt-1", "sensor/2"), kDuplicate);
      EXPECT_EQ(VerdictOf("doubt-2", "sensor/2"), kProcessed) << "in doubt";
      EXPECT_EQ(VerdictOf("doubt-2", "sensor/2"), kDuplicate);
      const std::uint64_t next_seq = boot_number == this_boot ? 33 : 1'000'033;
      EXPECT_EQ(Publish("new").seq, next_seq);
      EXPECT_EQ(Stats().processed, 33U);
      Turn(2);
      Seqs rows = UpTo(32);
      rows.push_back(next_seq);
      EXPECT_EQ(Rows(), rows);
      EXPECT_THAT(SetAside(), IsEmpty());
      Restart();
      EXPECT_THAT(TakeLog(), AllOf(Not(HasSubstr("migrated")), HasSubstr("33 event ids")));
      EXPECT_EQ(VerdictOf("new"), kDuplicate);
    }
  }
}

TEST_F(RecoveryTest, ADatabaseOfSchema2GetsAKeyFile) {
  std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-2.db", database());
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("migrated from schema 2 to " + std::to_string(kSchemaVersion)));
  for (const char* const id : {"a", "b", "c"}) EXPECT_EQ(VerdictOf(id, "sensors/1"), kDuplicate);
  EXPECT_EQ(VerdictOf("a", "sensors/2"), kDuplicate);
  Restart();
  EXPECT_EQ(Store(database()).LoadKeysSeq(), 4U);
}

TEST_F(RecoveryTest, ADamagedDatabaseOfAnOlderVersionIsSalvaged) {
  std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-1.db", database());
  // Where the migration reads it for the first time: in the table events.
  DamageRootPageOf("events");
  Start();
  EXPECT_THAT(TakeLog(), HasSubstr("0 events that could be read of it are kept"));
  EXPECT_THAT(SetAside(), SizeIs(1));
}

}  // namespace
}  // namespace dedup
