// Much that is to be synced is on its way before, in steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "file.h"
#include "file_table.h"
#include "journal.h"
#include "key_file.h"
#include "log.h"
#include "sqlite.h"
#include "temp_dir.h"
#include "write_back_log.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Range = WriteBackLog::Range;

TEST(FindDescriptorTest, FindsAnOpenFileAndNoOther) {
  const TempDir dir;
  const auto find = [&] { return FindDescriptor(IdentityOf(dir / "file")); };
  EXPECT_EQ(find(), -1) << "there is no such file";
  WriteFile(dir / "file", "");
  EXPECT_EQ(find(), -1) << "nobody has opened it";
  const File file(dir / "file", File::Mode::kRead);
  EXPECT_EQ(find(), file.fd());
}

TEST(StartWriteBackTest, OfAFileThatCannotItIsNothing) {
  StartWriteBack(-1);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  StartWriteBack(ends[1]);
  for (const int end : ends) close(end);
}

class WriteBackTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kStep = kWriteBackStepBytes;

  TempDir dir_;
  WriteBackLog write_back_;
};

class JournalWriteBackTest : public WriteBackTest {
 protected:
  void AppendUpTo(std::uint64_t position) {
    const std::string payload(1000, 'x');
    for (; journal_.appended_position() < position; ++seq_) {
      Event event;
      event.seq = seq_;
      event.payload = payload;
      ASSERT_TRUE(journal_.Append(event));
    }
  }
  static Range Step(std::uint64_t offset, std::uint64_t size = kStep) {
    return {Journal::kFileName, Journal::kHeaderBytes + offset, size};
  }

  static constexpr std::uint64_t kRing = 3 * kStep + Journal::kGranularityBytes;
  Journal journal_{Journal::Create(dir_.path(), kRing, {})};
  std::uint64_t seq_ = 1;
};

TEST_F(JournalWriteBackTest, BeginsBeforeASyncWithAllButTheLastStep) {
  AppendUpTo(kStep - 2000);
  journal_.Sync();
  EXPECT_THAT(write_back_.Take(), IsEmpty()) << "little is left to the sync";
  AppendUpTo(2 * kStep + 1);
  journal_.Sync();
  EXPECT_THAT(write_back_.Take(), ElementsAre(Step(0), Step(kStep)));
  journal_.Sync();
  EXPECT_THAT(write_back_.Take(), IsEmpty());
}

TEST_F(JournalWriteBackTest, GoesRound) {
  AppendUpTo(2 * kStep);
  journal_.Release(journal_.appended_position());
  AppendUpTo(kRing + kStep + 2000);
  write_back_.Take();
  journal_.Sync();
  EXPECT_THAT(write_back_.Take(), ElementsAre(Step(2 * kStep), Step(3 * kStep, kRing - 3 * kStep), Step(0)));
}

TEST_F(JournalWriteBackTest, TakesNoMoreThanALapWhateverTheHeaderSays) {
  for (std::uint64_t end = kRing / 2; end < 4 * kRing; end += kRing / 2) {
    AppendUpTo(end);
    journal_.Release(journal_.appended_position());
  }
  AppendUpTo(4 * kRing);
  const std::uint64_t damaged = 0;
  File(dir_ / Journal::kFileName, File::Mode::kReadWrite)
      .WriteAt(offsetof(JournalHeader, released_position), &damaged, sizeof damaged);
  std::optional<Journal> reopened = Journal::Open(dir_.path());
  ASSERT_TRUE(reopened);
  EXPECT_TRUE(reopened->Replay(Journal::Search::kToTheAppended, [](const Journal::Entry&) {}).header_damaged);
  EXPECT_GE(reopened->appended_position(), 4 * kRing);
  write_back_.Take();
  reopened->Sync();
  std::uint64_t bytes = 0;
  for (const Range& range : write_back_.Take()) bytes += range.size;
  EXPECT_GT(bytes, kRing / 2);
  EXPECT_LE(bytes, kRing);
}

using SqliteWriteBackTest = WriteBackTest;

TEST_F(SqliteWriteBackTest, ACommitAndACheckpointBeginBeforeTheyAreOver) {
  constexpr int kPages = 1000;
  constexpr int kSteps = kPages * 4096 / static_cast<int>(kStep);
  sqlite::Database database(dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  database.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE pages (bytes BLOB)");
  // One that comes and goes, whose descriptor is no longer to be used.
  { const sqlite::Database other(dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate); }
  const auto begun = [&](const std::string& file_name, const std::function<void()>& body) {
    write_back_.Take();
    body();
    const std::vector<Range> ranges = write_back_.Take();
    return std::ranges::count(ranges, Range{file_name, 0, 0});
  };
  const auto commit = [&] {
    database.Execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        "INSERT INTO pages SELECT zeroblob(4000) FROM n");
  };
  EXPECT_GE(begun("events.db-wal", commit), kSteps);
  EXPECT_GE(begun("events.db", [&] { database.CheckpointPassive(); }), kSteps);
}

TEST_F(WriteBackTest, TheKeyFileBeginsWithEachStep) {
  constexpr std::uint64_t kBlocks = 200;
  constexpr std::uint64_t kBlockBytes = 4096;
  LogQueue log;
  KeyFile keys(dir_.path(), {}, log);
  for (std::uint64_t seq = 1; seq < kBlocks * KeyFile::kKeysPerBlock; ++seq) keys.Append(seq, {.high = 1, .low = seq});
  EXPECT_THAT(write_back_.Take(), IsEmpty());
  ASSERT_TRUE(keys.Sync());
  const auto at = [](std::uint64_t block, std::uint64_t blocks) {
    return Range{KeyFile::kFileName, (1 + block) * kBlockBytes, blocks * kBlockBytes};
  };
  EXPECT_THAT(write_back_.Take(), ElementsAre(at(0, 64), at(64, 64), at(128, 64), at(192, 8)));
}

}  // namespace
}  // namespace dedup
