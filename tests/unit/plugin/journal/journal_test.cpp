#include "plugin/core/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/core/base/crc32c.h"
#include "tests/unit/support/append.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A record with storage of its own.
struct Kept {
  explicit Kept(const Journal::Entry& entry)
      : kind(entry.kind),
        seq(entry.event.seq),
        wall_us(entry.event.accepted.wall_us),
        age_ms(entry.event.accepted.age_ms),
        qos(entry.event.qos),
        retain(entry.event.retain),
        topic(entry.event.topic),
        event_id(entry.event.event_id),
        rule(entry.event.rule.name),
        key(entry.event.rule.key),
        window_ms(entry.event.rule.window_ms),
        is_id_only(entry.event.rule.is_id_only),
        properties(entry.event.properties),
        payload(entry.event.payload) {}

  RecordKind kind;
  std::uint64_t seq;
  std::int64_t wall_us, age_ms;
  std::uint8_t qos;
  bool retain;
  std::string topic, event_id, rule;
  KeyHash key;
  std::int64_t window_ms;
  bool is_id_only;
  std::string properties, payload;

  friend bool operator==(const Kept&, const Kept&) = default;
  friend void PrintTo(const Kept& kept, std::ostream* out) { *out << "record " << kept.seq; }
};

constexpr HashSecret kSecret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

class JournalTest : public testing::Test {
 protected:
  void Create(std::uint64_t size_bytes = Journal::kRingBytesMin) {
    journal_.reset();
    JournalHeader header{};
    header.secret = kSecret;
    journal_ = Journal::Create(dir_.path(), size_bytes, header);
  }
  /// As after a death of the process: what was appended is replayed.
  std::vector<Kept> Reopen() {
    journal_.reset();
    journal_ = Journal::Open(dir_.path());
    if (journal_ == nullptr) throw std::runtime_error("no journal");
    return Replay();
  }
  std::vector<Kept> Replay() {
    std::vector<Kept> records;
    findings_ = journal_->Replay(search_, [&](const Journal::Entry& entry) { records.emplace_back(entry); });
    EXPECT_EQ(findings_.records, records.size());
    return records;
  }

  static Event MakeEvent(std::uint64_t seq, std::string_view payload) {
    return {.seq = seq,
            .accepted = {.wall_us = 1'700'000'000'000'000 + static_cast<std::int64_t>(seq), .age_ms = 77},
            .qos = static_cast<std::uint8_t>(seq % 3),
            .retain = seq % 2 == 1,
            .topic = "topic",
            .event_id = "id",
            .properties = "properties",
            .payload = payload};
  }
  bool Append(std::uint64_t seq, std::string_view payload = "payload") {
    return dedup::Append(*journal_, MakeEvent(seq, payload));
  }
  /// Three records of different sizes; returns where each begins, and the end.
  std::array<std::uint64_t, 4> AppendThree() {
    std::array<std::uint64_t, 4> positions{};
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      EXPECT_TRUE(Append(seq, std::string(seq * 7, 'x')));
      positions[seq] = journal_->appended_position();
    }
    return positions;
  }
  std::vector<std::uint64_t> Seqs(const std::vector<Kept>& records) {
    std::vector<std::uint64_t> seqs;
    for (const Kept& record : records) seqs.push_back(record.seq);
    return seqs;
  }
  std::filesystem::path path() const { return dir_ / JournalHeader::kFileName; }

  TempDir dir_;
  std::unique_ptr<Journal> journal_;
  Journal::Search search_ = Journal::Search::kToTheAppended;
  Journal::Findings findings_;
};

// --- Append, read, replay ------------------------------------------------------------------------

TEST_F(JournalTest, ThereIsNoneAtFirst) { EXPECT_FALSE(Journal::Open(dir_.path())); }

TEST_F(JournalTest, GivesBackEveryFieldOfARecord) {
  Create();
  const std::string binary("\0\xFF\n", 3);
  const Event events[] = {
      {.seq = 1,
       .accepted = {.wall_us = -1, .age_ms = INT64_MAX},
       .qos = 2,
       .retain = true,
       .topic = "a/b",
       .event_id = binary,
       .properties = binary,
       .payload = binary},
      {.seq = UINT64_MAX,
       .accepted = {.wall_us = 0, .age_ms = 0},
       .qos = 0,
       .retain = false,
       .topic = "",
       .event_id = "",
       .properties = "",
       .payload = ""},
      {.seq = 3,
       .accepted = {.wall_us = 5, .age_ms = 6},
       .qos = 1,
       .retain = true,
       .topic = "t",
       .event_id = "1|7",
       .rule = {.name = "a-rule_of-32_bytes-0123456789_abc",
                .key = {.high = ~std::uint64_t{1}, .low = 7},
                .window_ms = kForeverWindow,
                .is_id_only = true},
       .properties = binary,
       .payload = binary},
      {.seq = 4,
       .accepted = {.wall_us = 5, .age_ms = 6},
       .qos = 1,
       .retain = false,
       .topic = "t",
       .event_id = "x",
       .rule = {.name = "r", .key = {.high = 1, .low = 2}, .window_ms = 1000, .is_id_only = false},
       .properties = "",
       .payload = ""},
  };
  std::vector<Kept> expected;
  for (const Event& event : events) {
    ASSERT_TRUE(dedup::Append(*journal_, event));
    expected.emplace_back(Journal::Entry{RecordKind::kEvent, event});
  }
  ASSERT_TRUE(journal_->AppendHandedOn(9));
  Event handed_on;
  handed_on.seq = 9;
  expected.emplace_back(Journal::Entry{RecordKind::kHandedOn, handed_on});

  std::vector<Kept> read;
  for (std::uint64_t position = 0; position < journal_->appended_position();) {
    read.emplace_back(journal_->Read(&position));
  }
  EXPECT_EQ(read, expected);
  EXPECT_EQ(Reopen(), expected);
  EXPECT_EQ(findings_.torn_bytes, 0U);
  EXPECT_EQ(findings_.damaged_bytes, 0U);
}

TEST_F(JournalTest, ReplayGivesOnlyWhatIsNotReleased) {
  Create();
  const auto positions = AppendThree();
  journal_->Release(positions[2]);
  EXPECT_EQ(journal_->used_bytes(), positions[3] - positions[2]);
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(3));
  journal_->Release(positions[3]);
  EXPECT_THAT(Reopen(), IsEmpty());
  EXPECT_EQ(journal_->used_bytes(), 0U);
}

TEST_F(JournalTest, AppendingGoesOnBehindWhatWasReplayed) {
  Create();
  AppendThree();
  Reopen();
  EXPECT_TRUE(Append(4));
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 2, 3, 4));
}

TEST_F(JournalTest, WhatIsPreparedIsNothingUntilItIsCommitted) {
  Create();
  ASSERT_TRUE(Append(1));
  const std::uint64_t end = journal_->appended_position();
  ASSERT_TRUE(journal_->Prepare(MakeEvent(2, "longer than what comes")));
  EXPECT_EQ(journal_->appended_position(), end);
  for (const Journal::Search search : {Journal::Search::kToTheAppended, Journal::Search::kWholeRing}) {
    search_ = search;
    EXPECT_THAT(Seqs(Reopen()), ElementsAre(1));
    EXPECT_EQ(findings_.torn_bytes, 0U) << "it was never to be a record";
    EXPECT_EQ(findings_.damaged_bytes, 0U);
  }
  const Event event = MakeEvent(2, "short");
  ASSERT_TRUE(journal_->Prepare(event));
  journal_->Commit();
  ASSERT_TRUE(journal_->Prepare(MakeEvent(3, "of another")));
  ASSERT_TRUE(Append(3));
  EXPECT_EQ(journal_->accepted_seq(), 3U);
  const std::vector<Kept> records = Reopen();
  EXPECT_THAT(Seqs(records), ElementsAre(1, 2, 3));
  EXPECT_EQ(records[1], Kept(Journal::Entry{RecordKind::kEvent, event}));
}

TEST_F(JournalTest, PreparesNothingWithoutRoom) {
  Create();
  const std::string payload(1000, 'x');
  std::uint64_t seq = 1;
  while (Append(seq, payload)) ++seq;
  const std::string before = ReadFile(path());
  EXPECT_FALSE(journal_->Prepare(MakeEvent(seq, payload)));
  EXPECT_EQ(ReadFile(path()), before);
  EXPECT_EQ(Reopen().size(), seq - 1);
}

TEST_F(JournalTest, GoesRoundAndRound) {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  Create();
  std::deque<Kept> unreleased;
  for (std::uint64_t seq = 1; journal_->appended_position() < 20 * Journal::kRingBytesMin; ++seq) {
    const std::string payload(std::uniform_int_distribution<std::size_t>(0, 900)(random),
                              static_cast<char>('a' + seq % 26));
    // What a duplicate leaves, now and then over the ring's end.
    ASSERT_TRUE(journal_->Prepare(MakeEvent(seq, std::string(900 - payload.size(), '!')))) << "seed " << kSeed;
    ASSERT_TRUE(Append(seq, payload)) << "seed " << kSeed;
    unreleased.emplace_back(Journal::Entry{RecordKind::kEvent, MakeEvent(seq, payload)});
    if (journal_->used_bytes() < Journal::kRingBytesMin / 4 * 3) continue;
    std::uint64_t position = journal_->released_position();
    while (unreleased.size() > 20) {
      ASSERT_EQ(Kept(journal_->Read(&position)), unreleased.front());
      unreleased.pop_front();
    }
    journal_->Release(position);
    if (seq % 2 == 0) {
      ASSERT_EQ(Reopen(), std::vector(unreleased.begin(), unreleased.end()));
      ASSERT_EQ(findings_.torn_bytes + findings_.damaged_bytes, 0U);
    }
  }
}

TEST_F(JournalTest, IsFullUntilRoomIsReleased) {
  Create();
  std::uint64_t seq = 0;
  while (Append(seq + 1, std::string(1000, 'x'))) ++seq;
  EXPECT_GT(journal_->used_bytes(), journal_->record_bytes_max() - 1100);
  EXPECT_TRUE(journal_->healthy());
  std::uint64_t position = 0;
  journal_->Read(&position);
  journal_->Release(position);
  EXPECT_TRUE(Append(seq + 1, std::string(1000, 'x')));
  EXPECT_FALSE(Append(seq + 2, std::string(1000, 'x')));
  const std::vector<Kept> records = Reopen();
  EXPECT_EQ(records.front().seq, 2U);
  EXPECT_EQ(records.back().seq, seq + 1);
  EXPECT_EQ(records.size(), seq);
}

TEST_F(JournalTest, AFullOneHasRoomForNotes) {
  Create();
  std::uint64_t seq = 0;
  while (Append(seq + 1, std::string(100, 'x'))) ++seq;
  for (std::uint64_t note = 1; note <= 20; ++note) EXPECT_TRUE(journal_->AppendHandedOn(note));
  while (journal_->AppendHandedOn(1)) {
  }
  EXPECT_LE(journal_->used_bytes(), journal_->ring_bytes());
  EXPECT_EQ(Reopen().front().seq, 1U);
}

TEST_F(JournalTest, TakesARecordAsLargeAsTheRingBeforeItsNotesAndNoLarger) {
  Create();
  const std::size_t payload = journal_->record_bytes_max() - RecordBytes(MakeEvent(1, ""));
  EXPECT_FALSE(Append(1, std::string(payload + 8, 'x')));
  EXPECT_TRUE(Append(1, std::string(payload, 'x')));
  EXPECT_EQ(journal_->used_bytes(), journal_->record_bytes_max());
  EXPECT_THAT(Reopen(), ElementsAre(Kept({RecordKind::kEvent, MakeEvent(1, std::string(payload, 'x'))})));
}

TEST_F(JournalTest, SizesAreRoundedUp) {
  Create(1);
  EXPECT_EQ(journal_->ring_bytes(), Journal::kRingBytesMin);
  Create(Journal::kRingBytesMin + 1);
  EXPECT_EQ(journal_->ring_bytes(), Journal::RingBytes(Journal::kRingBytesMin + 1));
  EXPECT_EQ(journal_->ring_bytes(), Journal::kRingBytesMin + JournalHeader::kGranularityBytes);
  EXPECT_EQ(std::filesystem::file_size(path()), JournalHeader::kRoomBytes + journal_->ring_bytes());
}

// --- The header ----------------------------------------------------------------------------------

TEST_F(JournalTest, CountersWatermarkAndClockOutliveTheProcess) {
  Create();
  EXPECT_TRUE(Append(41));
  EXPECT_TRUE(Append(42));
  EXPECT_TRUE(journal_->AppendHandedOn(7));
  journal_->SetHandedOnSeq(41);
  journal_->Count(&Counters::duplicates);
  journal_->Count(&Counters::unstored);
  journal_->Count(&Counters::unstored);
  journal_->SaveClock({.age_ms = 1, .wall_ms = 2, .boot_ms = 3, .boot_number = 4}, true);
  Reopen();
  EXPECT_EQ(journal_->accepted_seq(), 42U);
  EXPECT_EQ(journal_->handed_on_seq(), 41U);
  EXPECT_EQ(journal_->counters().duplicates, 1U);
  EXPECT_EQ(journal_->counters().passed, 0U);
  EXPECT_EQ(journal_->counters().unstored, 2U);
  EXPECT_EQ(journal_->header().clock.age_ms, 1);
  EXPECT_EQ(journal_->header().clock.wall_ms, 2);
  EXPECT_EQ(journal_->header().clock.boot_ms, 3);
  EXPECT_EQ(journal_->header().clock.boot_number, 4U);
  EXPECT_EQ(journal_->header().clean, 1U);
}

TEST_F(JournalTest, GoesOnWithTheGivenHeaderAndWhatIsNotReleased) {
  Create();
  const auto positions = AppendThree();
  Reopen();
  JournalHeader header = journal_->header();
  header.accepted_seq = 100;
  header.handed_on_seq = 99;
  header.skipped_seqs = 5;
  header.clean = 0;
  header.counters.passed = 8;
  journal_->GoOn(header, positions[2]);
  EXPECT_EQ(journal_->used_bytes(), positions[3] - positions[2]);
  EXPECT_EQ(journal_->appended_position(), positions[3]);
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(3));
  EXPECT_EQ(journal_->accepted_seq(), 100U);
  EXPECT_EQ(journal_->handed_on_seq(), 99U);
  EXPECT_EQ(journal_->header().skipped_seqs, 5U);
  EXPECT_EQ(journal_->counters().passed, 8U);
}

TEST_F(JournalTest, ANewOneTakesTheOldOnesPlaceAndItsSecret) {
  Create();
  AppendThree();
  JournalHeader header = journal_->header();
  header.counters.refused = 3;
  journal_.reset();
  Journal::Create(dir_.path(), 2 * Journal::kRingBytesMin, header);
  EXPECT_THAT(Reopen(), IsEmpty());
  EXPECT_EQ(journal_->ring_bytes(), 2 * Journal::kRingBytesMin);
  EXPECT_EQ(journal_->header().secret, kSecret);
  EXPECT_EQ(journal_->accepted_seq(), 3U);
  EXPECT_EQ(journal_->counters().refused, 3U);
}

TEST_F(JournalTest, HowLongSyncsTakeIsCountedForGood) {
  const auto count = [this] {
    const SyncDurations durations = StatisticsOf(journal_->header()).sync_durations;
    return std::accumulate(std::begin(durations.counts), std::end(durations.counts), std::uint64_t{0});
  };
  Create();
  const std::uint64_t before = count();
  for (int i = 0; i < 3; ++i) journal_->Sync();
  EXPECT_EQ(count(), before + 3);
  EXPECT_GT(StatisticsOf(journal_->header()).sync_durations.sum_us, 0U);
  Reopen();
  EXPECT_EQ(count(), before + 3);
  const JournalHeader header = journal_->header();
  journal_.reset();
  Journal::Create(dir_.path(), 2 * Journal::kRingBytesMin, header);
  Reopen();
  EXPECT_EQ(count(), before + 3);
}

TEST(SyncDurationsTest, ABucketTakesItsBoundIn) {
  using std::chrono::microseconds;
  constexpr std::size_t kLast = std::size(SyncDurations::kUpperBounds_s);
  EXPECT_EQ(SyncDurations::BucketOf(microseconds(0)), 0U);
  EXPECT_EQ(SyncDurations::BucketOf(microseconds(100)), 0U);
  EXPECT_EQ(SyncDurations::BucketOf(microseconds(101)), 1U);
  EXPECT_EQ(SyncDurations::BucketOf(std::chrono::seconds(10)), kLast - 1);
  EXPECT_EQ(SyncDurations::BucketOf(std::chrono::hours(1)), kLast);
}

TEST_F(JournalTest, AnUnfinishedOneIsNeverTakenForOne) {
  WriteFile(dir_ / "events.journal.empty", "cut short");
  EXPECT_FALSE(Journal::Open(dir_.path()));
  Create();
  EXPECT_THAT(Reopen(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "events.journal.empty"));
}

TEST_F(JournalTest, WhatAStartThatDiedHasWrittenIsNotWrittenAgain) {
  Create();
  const std::size_t size = ReadFile(path()).size();
  std::filesystem::remove(path());
  const std::filesystem::path unfinished = dir_ / "events.journal.empty";
  WriteFile(unfinished, std::string(size, '\0'));
  const FileIdentity before = IdentityOf(unfinished);
  Create();
  EXPECT_EQ(IdentityOf(path()), before);
  EXPECT_THAT(Reopen(), IsEmpty());
}

TEST_F(JournalTest, WhatIsNoJournalIsDamaged) {
  Create();
  const std::string good = ReadFile(path());
  std::string other = good;
  other[0] = 'X';
  for (const std::string& bytes :
       {std::string(), std::string("hello"), other, std::string(100'000, '\0'), good.substr(0, 100)}) {
    WriteFile(path(), bytes);
    EXPECT_THROW(Journal::Open(dir_.path()), DamagedJournal) << bytes.size() << " bytes";
  }
}

TEST_F(JournalTest, OneOfAnotherLengthKeepsTheRecordsThatAreWhole) {
  Create();
  const auto positions = AppendThree();
  const std::vector<Kept> three = Reopen();
  const std::string good = ReadFile(path());
  for (const std::uint64_t ring_bytes : {journal_->ring_bytes() + 1, journal_->ring_bytes() - 1, positions[3],
                                         positions[2], positions[2] + 9, positions[1], std::uint64_t{0}}) {
    journal_.reset();
    WriteFile(path(), (good + "x").substr(0, JournalHeader::kRoomBytes + ring_bytes));
    const auto whole = std::upper_bound(positions.begin() + 1, positions.end(), ring_bytes) - positions.begin() - 1;
    EXPECT_EQ(Reopen(), std::vector(three.begin(), three.begin() + whole)) << ring_bytes;
    EXPECT_TRUE(Append(9));
    EXPECT_GE(std::filesystem::file_size(path()), good.size());
  }
}

// As a sector is that cannot be read: to whoever looks by the mapping, both are a SIGBUS.
TEST_F(JournalTest, ARingThatCannotBeReadIsAnErrorAndNoSignal) {
  Create();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(Append(seq, std::string(2000, 'x')));
  Reopen();
  std::filesystem::resize_file(dir_ / JournalHeader::kFileName, JournalHeader::kRoomBytes + (16 << 10));
  for (const Journal::Search search : {Journal::Search::kToTheAppended, Journal::Search::kWholeRing}) {
    search_ = search;
    try {
      Replay();
      FAIL() << "nothing was said";
    } catch (const StorageError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cut short"));
    }
  }
}

TEST_F(JournalTest, ANewerVersionIsRefusedAndNotCalledDamaged) {
  Create();
  const std::uint32_t newer = JournalHeader::kVersion + 1;
  Overwrite(path(), offsetof(JournalHeader, version), {reinterpret_cast<const char*>(&newer), sizeof newer});
  try {
    Journal::Open(dir_.path());
    FAIL();
  } catch (const DamagedJournal&) {
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr(path().string()), HasSubstr("newer"), HasSubstr("format " + std::to_string(newer))));
  }
}

// --- Damage --------------------------------------------------------------------------------------

TEST_F(JournalTest, ATornTailIsDroppedAndAppendingGoesOn) {
  Create();
  const auto positions = AppendThree();
  const std::vector<Kept> three = Reopen();
  const std::string good = ReadFile(path());
  for (std::uint64_t cut = 0; cut <= positions[3]; ++cut) {
    std::string torn = good;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(JournalHeader::kRoomBytes + cut), torn.end(), '\0');
    WriteFile(path(), torn);
    // A record's end is zeros already, so a cut there takes nothing.
    const std::vector<Kept> kept = Reopen();
    ASSERT_LE(kept.size(), 3U);
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), three.begin())) << "cut at " << cut;
    if (kept.size() < 3) {
      ASSERT_LT(cut, positions[kept.size() + 1]) << "a whole record was dropped";
    }
    ASSERT_EQ(findings_.damaged_bytes, 0U) << "cut at " << cut;
    ASSERT_EQ(journal_->appended_position(), positions[kept.size()]);
    ASSERT_TRUE(Append(9));
    const std::vector<Kept> after = Reopen();
    ASSERT_EQ(after.size(), kept.size() + 1);
    ASSERT_EQ(after.back().seq, 9U);
    ASSERT_EQ(findings_.torn_bytes + findings_.damaged_bytes, 0U);
  }
}

TEST_F(JournalTest, ATornTailIsMeasured) {
  Create();
  const auto positions = AppendThree();
  journal_.reset();
  Overwrite(path(), JournalHeader::kRoomBytes + positions[3] - 20, "?");
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 2));
  EXPECT_EQ(findings_.torn_bytes, positions[3] - positions[2]);
}

TEST_F(JournalTest, WhereTheRecordsBeginIsFoundWithoutTheHeader) {
  for (const std::uint64_t laps : {0U, 3U}) {
    Create();
    std::uint64_t seq = 0;
    while (journal_->appended_position() < laps * journal_->ring_bytes()) {
      ASSERT_TRUE(Append(++seq, std::string(1000, 'x')));
      journal_->Release(journal_->appended_position());
    }
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Append(++seq));
    for (const std::uint64_t bad : {std::uint64_t{8}, std::uint64_t{1} << 40, UINT64_MAX}) {
      journal_.reset();
      Overwrite(path(), offsetof(JournalHeader, released_position), {reinterpret_cast<const char*>(&bad), sizeof bad});
      const std::vector<std::uint64_t> seqs = Seqs(Reopen());
      EXPECT_TRUE(findings_.header_damaged);
      ASSERT_GE(seqs.size(), 3U) << "those that were released may come again";
      EXPECT_TRUE(std::is_sorted(seqs.begin(), seqs.end()));
      EXPECT_THAT(std::vector(seqs.end() - 3, seqs.end()), ElementsAre(seq - 2, seq - 1, seq));
    }
  }
}

TEST_F(JournalTest, NoFlippedByteInventsAnEventOrCostsAnother) {
  Create();
  const auto positions = AppendThree();
  const std::vector<Kept> three = Reopen();
  const std::string good = ReadFile(path());
  for (std::uint64_t at = 0; at < positions[3]; ++at) {
    const std::size_t hit = at < positions[1] ? 0 : at < positions[2] ? 1 : 2;
    std::vector<Kept> others = three;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(hit));
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      journal_.reset();
      const std::size_t offset = JournalHeader::kRoomBytes + at;
      const char byte = good[offset];
      Overwrite(path(), offset, std::string(1, static_cast<char>(static_cast<unsigned char>(byte) ^ flip)));
      ASSERT_EQ(Reopen(), others) << "byte " << at << " of record " << hit + 1;
      const std::uint64_t size = positions[hit + 1] - positions[hit];
      ASSERT_EQ(findings_.damaged_bytes, hit == 2 ? 0 : size);
      journal_.reset();
      Overwrite(path(), offset, std::string(1, byte));
    }
  }
}

// The header's newest page did not reach the disk, nor did all of the ring's.
TEST_F(JournalTest, AfterAPowerCutRecordsBehindTheHeadersHintAreLookedFor) {
  for (const auto search : {Journal::Search::kToTheAppended, Journal::Search::kWholeRing}) {
    search_ = search;
    Create();
    const auto positions = AppendThree();
    journal_.reset();
    Overwrite(path(), offsetof(JournalHeader, appended_position),
              {reinterpret_cast<const char*>(&positions[1]), sizeof positions[1]});
    Overwrite(path(), JournalHeader::kRoomBytes + positions[1] + 20, "?");
    if (search == Journal::Search::kWholeRing) {
      EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 3));
    } else {
      EXPECT_THAT(Seqs(Reopen()), ElementsAre(1));
    }
  }
}

TEST_F(JournalTest, AWrongHintCostsNoWholeRecord) {
  for (const std::uint64_t hint : {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{1} << 40}) {
    Create();
    AppendThree();
    journal_.reset();
    Overwrite(path(), offsetof(JournalHeader, appended_position), {reinterpret_cast<const char*>(&hint), sizeof hint});
    EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 2, 3));
  }
}

TEST_F(JournalTest, NoFlippedByteInTheHeaderInventsAnEvent) {
  Create();
  AppendThree();
  const std::vector<Kept> three = Reopen();
  const std::string good = ReadFile(path());
  int damaged = 0;
  for (std::size_t at = 0; at < sizeof(JournalHeader); ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      std::string bad = good;
      bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ flip);
      WriteFile(path(), bad);
      try {
        for (const Kept& record : Reopen()) ASSERT_THAT(three, testing::Contains(record)) << "byte " << at;
      } catch (const StorageError&) {
        ++damaged;
        EXPECT_LT(at, offsetof(JournalHeader, clean)) << "what may change must not stop the broker";
      }
      if (at < offsetof(JournalHeader, secret) + sizeof(HashSecret)) {
        EXPECT_THROW(Journal::Open(dir_.path()), StorageError) << "byte " << at;
      }
    }
  }
  EXPECT_GE(damaged, 40 * 3);
}

// A publisher knows the format, but not the secret.
TEST_F(JournalTest, BytesShapedLikeARecordAreNotTakenForOne) {
  // A whole record as it would stand at `position`, were the secret the given one.
  const auto forge = [](std::uint64_t position, HashSecret secret) {
    std::uint64_t mask;
    std::memcpy(&mask, secret.data(), sizeof mask);
    RecordHeader header{};
    header.size_bytes = sizeof header;
    header.mark = position ^ mask;
    header.seq = 666;
    header.kind = RecordKind::kEvent;
    header.crc32c = Crc32c(&header.size_bytes, sizeof header - sizeof header.crc32c);
    return std::string(reinterpret_cast<const char*>(&header), sizeof header);
  };
  Create();
  const Event event = MakeEvent(1, "");
  const std::string filler(RecordBytes(event) - sizeof(RecordHeader) - 5 - 2 - 10, 'x');  // topic, id and properties
  const std::uint64_t forged_at = RecordBytes(event);

  // Inside an intact record not even a perfect forgery counts.
  ASSERT_TRUE(Append(1, filler + forge(forged_at, kSecret)));
  ASSERT_TRUE(Append(2));
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 2));

  // Where the record around it is damaged, it is the secret that tells.
  Create();
  ASSERT_TRUE(Append(1, filler + forge(forged_at, HashSecret{})));
  ASSERT_TRUE(Append(2));
  journal_.reset();
  Overwrite(path(), JournalHeader::kRoomBytes, "damage");
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(2));
}

TEST_F(JournalTest, RecordsOfAnEarlierLapAreForgotten) {
  Create();
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    ASSERT_TRUE(Append(seq, std::string(5000, 'x')));
    journal_->Release(journal_->appended_position());
  }
  ASSERT_TRUE(Append(101, "short"));
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(101));
  EXPECT_EQ(findings_.torn_bytes + findings_.damaged_bytes, 0U);
}

// --- A failing disk ------------------------------------------------------------------------------

TEST_F(JournalTest, TakesNothingAfterAFailedSyncUntilOneHasSucceeded) {
  Create();
  ASSERT_TRUE(Append(1));
  {
    const FailingDisk disk(JournalHeader::kFileName);
    try {
      journal_->Sync();
      FAIL();
    } catch (const StorageError& error) {
      EXPECT_EQ(error.what(), "fdatasync " + path().string() + ": Input/output error");
    }
    EXPECT_FALSE(journal_->healthy());
    EXPECT_FALSE(Append(2));
    EXPECT_FALSE(journal_->AppendHandedOn(1));
    EXPECT_THROW(journal_->Sync(), StorageError);
  }
  EXPECT_FALSE(Append(2));
  journal_->Sync();
  EXPECT_TRUE(journal_->healthy());
  EXPECT_TRUE(Append(2));
  EXPECT_THAT(Seqs(Reopen()), ElementsAre(1, 2));
}

TEST_F(JournalTest, GivesNoRoomBackWhenReleasingFails) {
  Create();
  while (Append(1, std::string(1000, 'x'))) {
  }
  const std::uint64_t end = journal_->appended_position();
  {
    const FailingDisk disk(JournalHeader::kFileName);
    EXPECT_THROW(journal_->Release(end), StorageError);
  }
  journal_->Sync();
  EXPECT_FALSE(Append(2, std::string(1000, 'x')));
  journal_->Release(end);
  EXPECT_TRUE(Append(2, std::string(1000, 'x')));
}

// --- Two threads ---------------------------------------------------------------------------------

TEST_F(JournalTest, OneThreadAppendsWhileAnotherReadsAndReleases) {
  constexpr std::uint64_t kEvents = 30'000;
  Create();
  std::thread writer([this] {
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
    while (seq < kEvents) {
      const std::uint64_t end = journal_->appended_position();
      while (position < end) {
        const Journal::Entry entry = journal_->Read(&position);
        ++seq;
        ASSERT_EQ(entry.event.seq, seq);
        ASSERT_EQ(entry.event.payload, std::string(seq % 301, static_cast<char>(seq)));
      }
      journal_->SaveClock({.age_ms = 1, .wall_ms = 1, .boot_ms = 1, .boot_number = 1}, false);
      if (position - journal_->released_position() > journal_->ring_bytes() / 3) journal_->Release(position);
      journal_->counters();
      std::this_thread::yield();
    }
  });
  for (std::uint64_t seq = 1; seq <= kEvents; ++seq) {
    while (!Append(seq, std::string(seq % 301, static_cast<char>(seq)))) std::this_thread::yield();
    journal_->Count(&Counters::passed);
    journal_->SetHandedOnSeq(seq);
  }
  writer.join();
  EXPECT_EQ(journal_->counters().passed, kEvents);
}

}  // namespace
}  // namespace dedup
