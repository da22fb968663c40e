// Much that is to be synced is on its way before, in steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/base/file_table.h"
#include "plugin/core/base/log.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/append.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {

/// What StartWriteBack asks for: this program's own sync_file_range stands in front of the C library's, and while this
/// lives, the ranges that the disk is told to begin with are noted, and answered with an errno. One at a time.
class WriteBackLog {
 public:
  struct Range {
    std::string file_name;
    std::uint64_t offset;
    std::uint64_t size;
    friend bool operator==(const Range&, const Range&) = default;
    friend void PrintTo(const Range& range, std::ostream* out) {
      *out << range.file_name << " " << range.offset << "+" << range.size;
    }
  };

  WriteBackLog() { is_active_ = true; }
  WriteBackLog(const WriteBackLog&) = delete;
  WriteBackLog& operator=(const WriteBackLog&) = delete;
  ~WriteBackLog() {
    is_active_ = false;
    error_ = 0;
    Take();
  }

  /// Those since the last call.
  std::vector<Range> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(ranges_, {});
  }
  /// From now on it fails; 0: it does not.
  void Fail(int error) { error_ = error; }

  /// Returns an errno.
  static int Add(int fd, std::uint64_t offset, std::uint64_t size) {
    if (!is_active_) return 0;
    std::error_code error;
    const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    const std::lock_guard lock(mutex_);
    ranges_.push_back({path.filename(), offset, size});
    return error_;
  }

 private:
  static inline std::atomic<bool> is_active_{false};
  static inline std::atomic<int> error_{0};
  static inline std::mutex mutex_;
  static inline std::vector<Range> ranges_;
};

}  // namespace dedup

extern "C" __attribute__((visibility("default"))) int sync_file_range(int fd, off_t offset, off_t size,
                                                                      unsigned flags) {
  const int error = dedup::WriteBackLog::Add(fd, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size));
  if (error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_sync_file_range, fd, offset, size, flags));
}

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
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

TEST(StartWriteBackTest, IsNothingWhereItCannotBe) {
  EXPECT_EQ(StartWriteBack(-1), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(StartWriteBack(ends[1]), 0);
  for (const int end : ends) close(end);
  WriteBackLog write_back;
  for (const int error : {ENOSYS, EPERM, ENOMEM, EAGAIN}) {  // an old kernel, a container, short of something
    write_back.Fail(error);
    EXPECT_EQ(StartWriteBack(STDOUT_FILENO), 0);
  }
  write_back.Fail(ENOSPC);
  EXPECT_EQ(StartWriteBack(STDOUT_FILENO), ENOSPC);
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
      ASSERT_TRUE(Append(journal_, event));
    }
  }
  static Range Step(std::uint64_t offset, std::uint64_t size = kStep) {
    return {JournalHeader::kFileName, JournalHeader::kRoomBytes + offset, size};
  }

  static constexpr std::uint64_t kRing = 3 * kStep + JournalHeader::kGranularityBytes;
  const std::unique_ptr<Journal> owned_journal_ = Journal::Create(dir_.path(), kRing, {});
  Journal& journal_ = *owned_journal_;
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
  for (const std::uint64_t damaged : {std::uint64_t{0}, std::uint64_t{1} << 60, ~std::uint64_t{0}}) {
    File(dir_ / JournalHeader::kFileName, File::Mode::kReadWrite)
        .WriteAt(offsetof(JournalHeader, released_position), &damaged, sizeof damaged);
    const auto reopened = Journal::Open(dir_.path());
    ASSERT_TRUE(reopened);
    EXPECT_TRUE(reopened->Replay(Journal::Search::kToTheAppended, [](const Journal::Entry&) {}).header_damaged);
    ASSERT_GE(reopened->appended_position(), 4 * kRing);
    write_back_.Take();
    reopened->Sync();
    std::uint64_t bytes = 0;
    for (const Range& range : write_back_.Take()) bytes += range.size;
    EXPECT_GT(bytes, kRing / 4) << damaged;
    EXPECT_LE(bytes, kRing) << damaged;
  }
}

TEST_F(JournalWriteBackTest, ItsFailureIsTheSyncs) {
  AppendUpTo(2 * kStep);
  write_back_.Fail(ENOSPC);
  EXPECT_THROW(journal_.Sync(), StorageError);
  EXPECT_FALSE(journal_.healthy());
  write_back_.Fail(0);
  journal_.Sync();
  EXPECT_TRUE(journal_.healthy());
}

using SqliteWriteBackTest = WriteBackTest;

TEST_F(SqliteWriteBackTest, ACommitAndACheckpointBeginBeforeTheyAreOver) {
  constexpr int kPages = 1000;
  constexpr int kSteps = kPages * 4096 / static_cast<int>(kStep);
  // Another connection, whose descriptors serve as well, for as long as they are there.
  std::optional<sqlite::Database> other(std::in_place, dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  other->Execute("PRAGMA journal_mode = WAL; CREATE TABLE pages (bytes BLOB)");
  sqlite::Database database(dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  database.Execute("PRAGMA synchronous = NORMAL");
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
  const auto checkpoint = [&] { database.CheckpointPassive(); };
  EXPECT_GE(begun("events.db-wal", commit), kSteps);
  EXPECT_GE(begun("events.db", checkpoint), kSteps);
  other.reset();
  EXPECT_GE(begun("events.db-wal", commit), kSteps);
  EXPECT_GE(begun("events.db", checkpoint), kSteps);
}

TEST_F(SqliteWriteBackTest, ItsFailureIsTheWrites) {
  sqlite::Database database(dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  database.Execute("PRAGMA journal_mode = WAL; CREATE TABLE pages (bytes BLOB)");
  write_back_.Fail(ENOSPC);
  try {
    database.Execute("INSERT INTO pages VALUES(zeroblob(1000000))");
    FAIL() << "it was committed";
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("disk I/O error"));
  }
  write_back_.Fail(0);
  database.Execute("INSERT INTO pages VALUES(zeroblob(1000000))");
  EXPECT_EQ(database.QueryInteger("SELECT count(*) FROM pages"), 1);
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
  keys.Append(kBlocks * KeyFile::kKeysPerBlock, {.high = 1, .low = 1});
  write_back_.Fail(EIO);
  EXPECT_FALSE(keys.Sync()) << "what may be lost is not to be trusted";
}

}  // namespace
}  // namespace dedup
