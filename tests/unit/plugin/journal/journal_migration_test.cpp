#include "plugin/core/journal/journal_migration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "plugin/core/base/crc32c.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/journal/record.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kFixture[] = DEDUP_FIXTURES "/first-data-dir/events.journal";
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kRoomBytes = 64 << 10;

template <class T>
T At(const std::string& bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}
template <class T>
void Put(std::string* bytes, std::size_t offset, T value) {
  std::memcpy(bytes->data() + offset, &value, sizeof value);
}

/// On the journal of a first version's broker that was killed: events 1 to 32, of which 1 is released, and 32 is in
/// doubt.
class JournalMigrationTest : public testing::Test {
 protected:
  const std::filesystem::path path() const { return dir_ / JournalHeader::kFileName; }

  /// The fixture's header in front of a ring of another size: `first_position` is where its records begin. In the page
  /// that the header took at first.
  static std::string FirstJournal(std::uint64_t ring_bytes, std::uint64_t first_position, std::uint64_t events) {
    std::string bytes = ReadFile(kFixture).substr(0, kPageBytes) + std::string(ring_bytes, '\0');
    Put(&bytes, 16, ring_bytes);
    Put(&bytes, 12, Crc32c(bytes.data() + 16, 24));
    std::uint64_t position = first_position;
    for (std::uint64_t seq = 1; seq <= events; ++seq) {
      const std::string payload(1000 + 8 * seq, static_cast<char>('a' + seq));
      RecordHeader header{};
      header.size_bytes = static_cast<std::uint32_t>(sizeof header + payload.size());
      header.mark = position ^ At<std::uint64_t>(bytes, 24);
      header.seq = seq;
      header.payload_bytes = static_cast<std::uint32_t>(payload.size());
      header.kind = RecordKind::kEvent;
      std::string record(reinterpret_cast<const char*>(&header), sizeof header);
      record += payload;
      Put(&record, 0, Crc32c(record.data() + 4, record.size() - 4));
      for (std::size_t i = 0; i < record.size(); ++i) bytes[kPageBytes + (position + i) % ring_bytes] = record[i];
      position += record.size();
    }
    Put(&bytes, 64, first_position);
    Put(&bytes, 152, position);
    Put(&bytes, 128, events);
    return bytes;
  }

  /// What Replay gives of each event, and what it found.
  std::vector<std::string> Replay(Journal& journal) {
    std::vector<std::string> events;
    findings_ = journal.Replay(Journal::Search::kToTheAppended, [&](const Journal::Entry& entry) {
      events.push_back(std::to_string(entry.event.seq) + " " + std::string(entry.event.topic) + " " +
                       std::string(entry.event.event_id) + " " + std::string(entry.event.payload));
    });
    return events;
  }

  TempDir dir_;
  Journal::Findings findings_;
};

TEST_F(JournalMigrationTest, TheFirstFieldsBecomeTodaysAndEveryRecordStays) {
  const std::string old = ReadFile(kFixture);
  WriteFile(path(), old);
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_FALSE(MigrateJournal(dir_.path())) << "once is enough";
  const auto journal = Journal::Open(dir_.path());
  const JournalHeader& header = journal->header();
  EXPECT_EQ(header.version, JournalHeader::kVersion);
  EXPECT_EQ(header.ring_bytes, 64U << 10);
  EXPECT_EQ(std::memcmp(header.secret.data(), old.data() + 24, sizeof header.secret), 0);
  EXPECT_EQ(header.released_position, At<std::uint64_t>(old, 64));
  EXPECT_EQ(header.clean, 0U);
  EXPECT_EQ(header.clock.age_ms, At<std::int64_t>(old, 80));
  EXPECT_EQ(header.clock.wall_ms, At<std::int64_t>(old, 88));
  EXPECT_EQ(header.clock.boot_ms, At<std::int64_t>(old, 96));
  EXPECT_EQ(header.clock.boot_number, At<std::uint64_t>(old, 104));
  EXPECT_EQ(header.accepted_seq, 32U);
  EXPECT_EQ(header.handed_on_seq, 31U);
  EXPECT_EQ(header.skipped_seqs, 0U);
  EXPECT_EQ(header.counters.duplicates, 2U);
  EXPECT_EQ(header.counters.passed, 2U);
  EXPECT_EQ(header.counters.invalid_ids, 1U);
  EXPECT_EQ(header.counters.refused + header.counters.unstored, 0U);
  EXPECT_EQ(header.sync_durations.sum_us, 0U);

  const std::vector<std::string> events = Replay(*journal);
  ASSERT_THAT(events, SizeIs(31));
  EXPECT_EQ(events.front(),
            R"(2 sensor/2 stored-0 {"event_id": "stored-0", "source": "gateway-1", "payload": {"v": 2}})");
  EXPECT_EQ(events.back(), R"(32 sensor/2 doubt-2 {"event_id": "doubt-2"})");
  EXPECT_EQ(findings_.damaged_bytes + findings_.torn_bytes, 0U);
  EXPECT_FALSE(findings_.header_damaged);
  EXPECT_EQ(journal->appended_position(), At<std::uint64_t>(old, 152));
}

TEST_F(JournalMigrationTest, AHeaderOfOnePageGetsTodaysRoom) {
  std::string old = ReadFile(kFixture);
  WriteFile(path(), old);
  MigrateJournal(dir_.path());
  const std::string expected = ReadFile(path());
  WriteFile(path(), old.erase(kPageBytes, kRoomBytes - kPageBytes));
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_EQ(ReadFile(path()), expected);
}

// A first ring was a multiple of a page, which today's is not always: so its records stand elsewhere in today's.
TEST_F(JournalMigrationTest, RecordsOfARingOfAnotherSizeStandWhereTheirPositionsSay) {
  for (const std::uint64_t ring_bytes : {5 * kPageBytes, 17 * kPageBytes, 16 * kPageBytes}) {
    for (const std::uint64_t first_position : {std::uint64_t{0}, 3 * ring_bytes - 1504, 100 * ring_bytes + 8}) {
      WriteFile(path(), FirstJournal(ring_bytes, first_position, 10));
      EXPECT_TRUE(MigrateJournal(dir_.path()));
      const auto journal = Journal::Open(dir_.path());
      EXPECT_EQ(journal->ring_bytes(), ring_bytes <= 64 << 10 ? 64U << 10 : 128U << 10);
      const std::vector<std::string> events = Replay(*journal);
      ASSERT_THAT(events, SizeIs(10)) << ring_bytes << " " << first_position;
      for (std::uint64_t seq = 1; seq <= 10; ++seq) {
        EXPECT_EQ(events[seq - 1],
                  std::to_string(seq) + "   " + std::string(1000 + 8 * seq, static_cast<char>('a' + seq)));
      }
      EXPECT_EQ(findings_.damaged_bytes, 0U);
      // Where it goes on there is room, whatever stood there.
      Event event;
      event.seq = 11;
      event.topic = "t";
      event.event_id = "next";
      EXPECT_TRUE(journal->Prepare(event));
      journal->Commit();
    }
  }
}

TEST_F(JournalMigrationTest, AReleasedPositionThatCannotBeIsSearchedFor) {
  for (const std::uint64_t bad : {std::uint64_t{1} << 40, ~std::uint64_t{7}, std::uint64_t{0x91}}) {
    std::string old = ReadFile(kFixture);
    Put(&old, 64, bad);
    WriteFile(path(), old);
    EXPECT_TRUE(MigrateJournal(dir_.path()));
    EXPECT_THAT(Replay(*Journal::Open(dir_.path())), SizeIs(32)) << bad;
    EXPECT_TRUE(findings_.header_damaged);
  }
}

TEST_F(JournalMigrationTest, OneThatWasCutShortKeepsTheRecordsThatAreWhole) {
  const std::string old = ReadFile(kFixture);
  const std::uint64_t appended = At<std::uint64_t>(old, 152);
  WriteFile(path(), old.substr(0, kRoomBytes + appended - 1));
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_THAT(Replay(*Journal::Open(dir_.path())), SizeIs(31));  // the last one's end is a zero that reads as itself
  const std::string shorter = old.substr(0, kRoomBytes + appended - 40);
  WriteFile(path(), shorter);
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_THAT(Replay(*Journal::Open(dir_.path())), SizeIs(30));
  // The size says nothing of the room any more.
  WriteFile(path(), std::string(shorter).erase(kPageBytes, kRoomBytes - kPageBytes));
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_THAT(Replay(*Journal::Open(dir_.path())), SizeIs(30));
}

TEST_F(JournalMigrationTest, OlderFormatsWithTodaysFieldsOnlyGetTodaysVersion) {
  JournalHeader header{};
  header.secret = MakeHashSecret();
  header.accepted_seq = 7;
  Journal::Create(dir_.path(), 64 << 10, header).reset();
  const std::string today = ReadFile(path());
  for (const auto& [version, released] : {std::pair{1U, std::uint64_t{0}}, {1U, std::uint64_t{1} << 40}, {2U, 8}}) {
    std::string old = today;
    Put(&old, offsetof(JournalHeader, released_position), released);
    Put(&old, offsetof(JournalHeader, released_check), ~released);
    const std::string expected = old;
    Put(&old, offsetof(JournalHeader, version), version);
    WriteFile(path(), old);
    const std::uint64_t inode = IdentityOf(path()).inode;
    EXPECT_FALSE(MigrateJournal(dir_.path()));
    EXPECT_EQ(IdentityOf(path()).inode, inode);
    EXPECT_EQ(ReadFile(path()), expected);
  }
}

TEST_F(JournalMigrationTest, WhatIsNoJournalOfFormat1IsLeftAlone) {
  EXPECT_FALSE(MigrateJournal(dir_.path()));
  const std::string old = ReadFile(kFixture);
  std::string newer = old, older = old, another = old;
  Put(&newer, 8, JournalHeader::kVersion + 1);
  Put(&older, 8, std::uint32_t{0});
  another[30] ^= 1;  // the secret's checksum is not right
  for (const std::string& bytes :
       {std::string(), std::string("no journal"), old.substr(0, 20), newer, older, another}) {
    WriteFile(path(), bytes);
    EXPECT_FALSE(MigrateJournal(dir_.path()));
    EXPECT_EQ(ReadFile(path()), bytes);
  }
}

TEST_F(JournalMigrationTest, AFailureLeavesTheOldFileAndNothingElse) {
  const std::string old = ReadFile(kFixture);
  WriteFile(path(), old);
  {
    const FailingDisk disk("events.journal.new");
    EXPECT_THROW(MigrateJournal(dir_.path()), StorageError);
  }
  EXPECT_EQ(ReadFile(path()), old);
  EXPECT_FALSE(std::filesystem::exists(path().string() + ".new"));
  WriteFile(path().string() + ".new", "of a start that died");
  EXPECT_TRUE(MigrateJournal(dir_.path()));
  EXPECT_THAT(Replay(*Journal::Open(dir_.path())), SizeIs(31));
}

}  // namespace
}  // namespace dedup
