#include "plugin/core/threads/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/support/append.h"
#include "tests/unit/support/eventually.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class WriterTest : public testing::Test {
 protected:
  explicit WriterTest(std::uint64_t journal_bytes = Journal::kRingBytesMin)
      : owned_journal_(Journal::Create(dir_.path(), journal_bytes, {})) {}

  void Start() { Start(store_.LoadState()); }
  void Start(const StoreState& state) {
    Stop();
    writer_.emplace(journal_, store_, keys_, clock_, log_, options_, state, false, *conflicts_);
  }
  void Stop() { writer_.reset(); }

  void Append(std::uint64_t seq, std::size_t payload_bytes = 0) {
    const std::string id = std::to_string(seq);
    const std::string payload(payload_bytes, 'x');
    EXPECT_TRUE(dedup::Append(journal_, {.seq = seq,
                                         .accepted = clock_.Now(),
                                         .qos = 0,
                                         .retain = false,
                                         .topic = "t",
                                         .event_id = id,
                                         .properties = {},
                                         .payload = payload}));
    if (writer_) writer_->Notify();
  }
  void HandOnUpTo(std::uint64_t seq) { journal_.SetHandedOnSeq(seq); }

  /// As another process sees it, for the mapping belongs to the writer while it runs.
  JournalHeader Header() {
    JournalHeader header;
    File(dir_ / JournalHeader::kFileName, File::Mode::kRead).ReadAt(0, &header, sizeof header);
    return header;
  }
  std::vector<std::int64_t> Rows() {
    sqlite::Statement rows(reader_, "SELECT seq FROM events ORDER BY seq");
    std::vector<std::int64_t> seqs;
    while (rows.Step()) seqs.push_back(rows.Integer(0));
    return seqs;
  }
  bool WaitForRows(std::size_t count) {
    return Eventually([&] { return Rows().size() == count; });
  }
  bool WaitForLog(const std::string& text) {
    return Eventually([&] {
      for (const LogLine& line : log_.Take()) {
        if (line.text.find(text) != std::string::npos) return true;
      }
      return false;
    });
  }

  TempDir dir_;
  const std::unique_ptr<ConflictLink> conflicts_ = std::make_unique<ConflictLink>(HashSecret{1, 2, 3});
  const std::unique_ptr<Journal> owned_journal_;
  Journal& journal_ = *owned_journal_;
  Store store_{dir_ / Store::kFileName};
  sqlite::Database reader_{dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate};
  Clock clock_{{}};
  LogQueue log_;
  KeyFile keys_{dir_.path(), {}, log_};
  Options options_;
  std::optional<Writer> writer_;
};

TEST_F(WriterTest, StoresWhatIsAppended) {
  Start();
  for (std::uint64_t seq = 1; seq <= 100; ++seq) Append(seq);
  EXPECT_TRUE(WaitForRows(100));
  EXPECT_EQ(reader_.QueryInteger("SELECT stored_seq FROM state"), 100);
}

TEST_F(WriterTest, WakesUpAfterAWhileOfNothing) {
  Start();
  std::this_thread::sleep_for(100ms);  // it looks 50 times every 2 ms, then waits to be notified
  std::this_thread::sleep_for(100ms);
  Append(1);
  EXPECT_TRUE(WaitForRows(1));
}

TEST_F(WriterTest, FindsOutWhetherADuplicateHasThePayloadOfItsEvent) {
  Start();
  Append(1, 100);
  const auto ask = [&](const std::string& payload) {
    EXPECT_TRUE(conflicts_->questions.Push({1, conflicts_->marks.Of(payload), 3, 4}));
    EXPECT_TRUE(Eventually([&] { return conflicts_->answers.Front() != nullptr; }));
    const ConflictLink::Answer answer = *conflicts_->answers.Front();
    conflicts_->answers.Pop();
    EXPECT_EQ(answer.rule, 3u);
    return answer.is_conflict;
  };
  EXPECT_FALSE(ask(std::string(100, 'x')));
  EXPECT_TRUE(ask(std::string(101, 'x')));
}

TEST_F(WriterTest, WhatCannotBeReadToCompareIsSaidAndStoringGoesOn) {
  Start();
  Append(1);
  EXPECT_TRUE(WaitForRows(1));
  reader_.SetBusyTimeout(10'000);
  reader_.Execute("DROP TABLE rules");
  EXPECT_TRUE(conflicts_->questions.Push({1, 0, 0, 0}));
  EXPECT_TRUE(WaitForLog("cannot read an event to compare a duplicate with it: "));
  EXPECT_EQ(Header().store_damage, StoreDamage::kNone);
  Append(2);
  EXPECT_TRUE(WaitForRows(2));
  EXPECT_EQ(conflicts_->answers.Front(), nullptr);
}

TEST_F(WriterTest, ADamagedPageThatIsReadToCompareStopsNoStoring) {
  constexpr std::size_t kPayloadBytes = 1000;  // so that the first rows and the last ones have pages of their own
  constexpr std::uint64_t kEvents = 50;
  Start();
  for (std::uint64_t seq = 1; seq <= kEvents; ++seq) Append(seq, kPayloadBytes);
  EXPECT_TRUE(WaitForRows(kEvents));
  HandOnUpTo(kEvents);  // so that the journal has none of them to store once more
  Stop();
  ASSERT_TRUE(store_.Checkpoint());
  {
    const File file(store_.path(), File::Mode::kReadWrite);
    std::string page(4096, '\0');
    std::size_t offset = 0;
    const auto is_leaf_of_rows = [&] {  // a leaf of a table begins with 13
      return page[0] == 13 && page.find(std::string(kPayloadBytes, 'x')) != std::string::npos;
    };
    for (; offset < file.size_bytes(); offset += page.size()) {
      file.ReadAt(offset, page.data(), page.size());
      if (is_leaf_of_rows()) break;
    }
    ASSERT_LT(offset, file.size_bytes());
    const std::string damage(200, '\xFF');
    file.WriteAt(offset, damage.data(), damage.size());
  }
  reader_.Execute("UPDATE state SET passed = passed + 1");  // after another's commit SQLite reads all pages anew
  Start();
  EXPECT_TRUE(conflicts_->questions.Push({1, 0, 0, 0}));
  EXPECT_TRUE(WaitForLog("cannot read an event to compare a duplicate with it: "));
  EXPECT_EQ(Header().store_damage, StoreDamage::kFound) << "so the next start saves what can be read";
  EXPECT_TRUE(conflicts_->questions.Push({kEvents, conflicts_->marks.Of(std::string(kPayloadBytes, 'x')), 0, 0}));
  EXPECT_TRUE(Eventually([&] { return conflicts_->answers.Front() != nullptr; })) << "it goes on with what is whole";
  EXPECT_EQ(conflicts_->answers.Front()->seq, kEvents);
  EXPECT_FALSE(conflicts_->answers.Front()->is_conflict);
  Append(kEvents + 1);
  EXPECT_TRUE(Eventually([&] {
    return reader_.QueryInteger(("SELECT seq FROM events WHERE seq = " + std::to_string(kEvents + 1)).c_str()) != 0;
  }));
  EXPECT_EQ(Header().store_failing, 0U) << "what can be written has not failed";
}

TEST_F(WriterTest, StoresEverythingBeforeItStops) {
  Start();
  for (std::uint64_t seq = 1; seq <= 300; ++seq) Append(seq);
  Stop();
  EXPECT_EQ(Rows().size(), 300U);
  EXPECT_EQ(Header().clean, 1U);
}

TEST_F(WriterTest, GivesTheRoomOfWhatIsHandedOnBack) {
  Start();
  for (std::uint64_t seq = 1; seq <= 10; ++seq) Append(seq, 2000);
  EXPECT_TRUE(WaitForRows(10));
  EXPECT_EQ(journal_.used_bytes(), journal_.appended_position()) << "nothing is known to be handed on";
  HandOnUpTo(4);
  EXPECT_TRUE(Eventually([&] { return journal_.used_bytes() < journal_.appended_position(); }));
  Stop();
  std::uint64_t position = journal_.released_position();
  EXPECT_EQ(journal_.Read(&position).event.seq, 5U);
  HandOnUpTo(10);
  Start();
  Append(11);
  Stop();
  position = journal_.released_position();
  EXPECT_EQ(journal_.Read(&position).event.seq, 11U);
}

TEST_F(WriterTest, DeletesWhatWasHandedOnFromThoseInDoubt) {
  Append(1);
  {
    Store::Batch batch(store_, Store::Durability::kVisible);
    Event event;
    event.seq = 7;
    batch.InsertInDoubt(event);
    batch.Commit();
  }
  Start();
  EXPECT_TRUE(journal_.AppendHandedOn(7));
  EXPECT_TRUE(Eventually([&] { return reader_.QueryInteger("SELECT COUNT(*) FROM in_doubt") == 0; }));
}

// --- What an earlier run has left in the journal ---------------------------------------------------

TEST_F(WriterTest, StoresWhatIsThereAtItsStart) {
  for (std::uint64_t seq = 1; seq <= 100; ++seq) Append(seq);
  HandOnUpTo(100);
  Start();
  EXPECT_TRUE(WaitForRows(100));
  Stop();
  EXPECT_EQ(journal_.used_bytes(), 0U);
  EXPECT_EQ(store_.LoadKeysSeq(), 100U);
}

TEST_F(WriterTest, RowsOfAnEarlierRunAreNoConflict) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) Append(seq);
  Start();
  EXPECT_TRUE(WaitForRows(5));
  Stop();
  reader_.Execute("DELETE FROM events WHERE seq = 2");
  Start();
  EXPECT_TRUE(WaitForRows(5));
  EXPECT_THAT(log_.Take(), testing::IsEmpty());
  EXPECT_EQ(reader_.QueryInteger("SELECT stored_seq FROM state"), 5) << "readers have seen all of them";
}

TEST_F(WriterTest, StoredSeqNeverGoesBackwards) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) Append(seq);
  Start({.stored_seq = 5, .forgotten_seq = 0, .skipped_seqs = 0, .counters = {}});
  EXPECT_TRUE(WaitForRows(3));
  EXPECT_EQ(reader_.QueryInteger("SELECT stored_seq FROM state"), 5);
}

TEST_F(WriterTest, WhatHasExpiredIsNotStoredAgain) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) Append(seq);
  Start({.stored_seq = 4, .forgotten_seq = 3, .skipped_seqs = 0, .counters = {}});
  EXPECT_TRUE(Eventually([&] { return reader_.QueryInteger("SELECT stored_seq FROM state") == 5; }));
  EXPECT_THAT(Rows(), ElementsAre(4, 5));
}

// --- Counters, clock, failures ---------------------------------------------------------------------

TEST_F(WriterTest, SavesTheCountersWithTheRows) {
  journal_.Count(&Counters::passed);
  Start();
  Append(1);
  EXPECT_TRUE(WaitForRows(1));
  EXPECT_EQ(reader_.QueryInteger("SELECT passed FROM state"), 1);
}

TEST_F(WriterTest, KeepsTheClock) {
  Start();
  EXPECT_TRUE(Eventually([&] { return Header().clock.boot_number != 0; }));
  Stop();
  EXPECT_NEAR(static_cast<double>(Header().clock.age_ms), static_cast<double>(clock_.Now().age_ms), 1000);
}

TEST_F(WriterTest, TriesAgainWhileTheStoreFails) {
  Start();
  reader_.Execute("ALTER TABLE events RENAME TO hidden");
  Append(1);
  EXPECT_TRUE(WaitForLog("cannot store events"));
  EXPECT_EQ(Header().store_failing, 1U);
  EXPECT_GT(journal_.used_bytes(), 0U);
  reader_.Execute("ALTER TABLE hidden RENAME TO events");
  EXPECT_TRUE(WaitForRows(1));
  EXPECT_TRUE(WaitForLog("events are stored again"));
  EXPECT_EQ(Header().store_failing, 0U);
}

TEST_F(WriterTest, AfterAFailureRoomIsGivenBackOnlyBehindACheckpoint) {
  Start();
  reader_.Execute("ALTER TABLE events RENAME TO hidden");
  for (std::uint64_t seq = 1; seq <= 20; ++seq) Append(seq, 2000);
  HandOnUpTo(20);
  EXPECT_TRUE(WaitForLog("cannot store events"));
  reader_.Execute("ALTER TABLE hidden RENAME TO events");
  sqlite::Database other(dir_ / Store::kFileName, sqlite::Database::Mode::kReadOnly);
  sqlite::Statement in_the_way(other, "SELECT one FROM state");
  EXPECT_TRUE(in_the_way.Step());
  EXPECT_TRUE(WaitForRows(20));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(journal_.used_bytes(), journal_.appended_position());
  in_the_way.Reset();
  EXPECT_TRUE(Eventually([&] { return journal_.used_bytes() == 0; }));
}

TEST_F(WriterTest, AFailingCheckpointIsSaidAndTriedAgain) {
  Start();
  std::uint64_t seq = 0;
  {
    const FailingDisk disk("events.db");
    EXPECT_TRUE(Eventually([&] {
      for (; journal_.used_bytes() < journal_.ring_bytes() / 2; HandOnUpTo(seq)) Append(++seq, 4000);
      return Header().store_failing != 0;
    }));
    EXPECT_TRUE(WaitForLog("cannot store events: sqlite3_step"));
    EXPECT_GT(disk.failures(), 0);
    std::this_thread::sleep_for(1100ms);
    EXPECT_EQ(Header().store_failing, 1U) << "it may not look well before a checkpoint has succeeded";
  }
  EXPECT_TRUE(Eventually([&] { return Header().store_failing == 0; }));
  EXPECT_TRUE(WaitForRows(seq));
}

TEST_F(WriterTest, RemembersTheKeysOfWhatIsReleased) {
  Start();
  for (std::uint64_t seq = 1; seq <= 300; ++seq) Append(seq);
  HandOnUpTo(299);
  Stop();
  EXPECT_EQ(store_.LoadKeysSeq(), 299U);
  std::vector<KeyHash> keys;
  EXPECT_EQ(KeyFile(dir_.path(), {}, log_)
                .Load(0, 299,
                      [&](std::uint64_t seq, std::span<const KeyHash> hashes) {
                        EXPECT_EQ(seq, keys.size() + 1);
                        keys.insert(keys.end(), hashes.begin(), hashes.end());
                      }),
            299U);
  ASSERT_EQ(keys.size(), 299U);
  EXPECT_EQ(keys[298], HashKey({}, "t", "299"));
}

TEST_F(WriterTest, RoomIsGivenBackThoughTheKeysCannotBeKept) {
  const FailingDisk disk(KeyFile::kFileName);
  Start();
  for (std::uint64_t seq = 1; seq <= 300; ++seq) Append(seq);
  HandOnUpTo(300);
  Stop();
  EXPECT_EQ(journal_.used_bytes(), 0U);
  EXPECT_EQ(store_.LoadKeysSeq(), 0U);
}

TEST_F(WriterTest, ALockedDatabaseCastsNoDoubtOnTheDisk) {
  Start();
  sqlite::Database other(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
  {
    const sqlite::Transaction held(other);
    for (std::uint64_t seq = 1; seq <= 20; ++seq) Append(seq, 2000);
    HandOnUpTo(20);
    EXPECT_TRUE(WaitForLog("cannot store events"));
  }
  sqlite::Statement in_the_way(other, "SELECT one FROM state");
  EXPECT_TRUE(in_the_way.Step());
  EXPECT_TRUE(Eventually([&] { return journal_.used_bytes() == 0; })) << "no full checkpoint is needed";
}

TEST_F(WriterTest, ExpiresWithTheWindow) {
  options_.window = options_.retention = 50ms;
  Start();
  for (std::uint64_t seq = 1; seq <= 2000; ++seq) {
    Append(seq, 100);
    HandOnUpTo(seq);
    if (seq % 100 == 0) std::this_thread::sleep_for(2ms);
    while (journal_.used_bytes() > journal_.ring_bytes() / 2) std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(Eventually([&] { return writer_->forgotten_seq() == 2000; }));
  EXPECT_TRUE(WaitForRows(0));
  EXPECT_EQ(reader_.QueryInteger("SELECT forgotten_seq FROM state"), 2000);
}

TEST_F(WriterTest, WithoutAWindowNothingExpires) {
  options_.retention = std::nullopt;
  Start();
  Append(1);
  HandOnUpTo(1);  // what is in doubt does not expire in any case
  EXPECT_TRUE(WaitForRows(1));
  std::this_thread::sleep_for(300ms);  // it looks for what has expired every 100 ms
  EXPECT_THAT(Rows(), ElementsAre(1));
  EXPECT_EQ(writer_->forgotten_seq(), 0U);
}

// --- Streams -------------------------------------------------------------------------------------

class WriterInAStreamTest : public WriterTest {
 protected:
  WriterInAStreamTest() : WriterTest(32 << 20) {}
};

TEST_F(WriterInAStreamTest, ManyRowsShareATransaction) {
  Start();
  sqlite::Statement stored(reader_, "SELECT coalesce(max(seq), 0) FROM events");
  std::int64_t last = 0;
  int transactions = 0;
  const auto look = [&] {
    stored.Step();
    const std::int64_t now = stored.Integer(0);
    stored.Reset();
    if (now != last) ++transactions;
    last = now;
  };
  std::uint64_t seq = 0;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  for (int turn = 0; turn < 500 && std::chrono::steady_clock::now() < end; ++turn) {
    for (int i = 0; i < 100; ++i) Append(++seq);
    look();
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_LE(transactions, 20) << "every 5 ms there would be up to 100";
  EXPECT_TRUE(WaitForRows(seq));
}

TEST_F(WriterInAStreamTest, StoresManyBatchesBeforeItStops) {
  constexpr std::uint64_t kCount = 100'000;  // of 72 bytes and more: a batch takes 4 MB
  for (std::uint64_t seq = 1; seq <= kCount; ++seq) Append(seq);
  HandOnUpTo(kCount);
  Start();
  Stop();
  EXPECT_EQ(reader_.QueryInteger("SELECT count(*) FROM events"), std::int64_t{kCount});
  EXPECT_EQ(journal_.used_bytes(), 0U);
}

TEST_F(WriterInAStreamTest, TheWindowKeepsPace) {
  constexpr std::uint64_t kEventsMin = 20'000;
  options_.window = options_.retention = 50ms;
  Start();
  std::uint64_t seq = 0;
  // On a busy machine a patient writer may take some turns to get there; one that does not keep pace never does.
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (seq < kEventsMin || writer_->forgotten_seq() <= seq / 2) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << writer_->forgotten_seq() << " of " << seq;
    if (journal_.used_bytes() < journal_.ring_bytes() / 2) {
      for (int i = 0; i < 60; ++i) Append(++seq);
      HandOnUpTo(seq);
    }
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace
}  // namespace dedup
