#include "plugin/core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "plugin/core/base/errors.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const StorageError& error) {
    return error.what();
  }
  return "";
}

TEST(FileTest, ErrorsNameTheCallThePathAndTheReason) {
  const TempDir dir;
  const std::filesystem::path absent = dir / "absent";
  EXPECT_EQ(ErrorOf([&] { File(absent, File::Mode::kRead); }),
            "open " + absent.string() + ": No such file or directory");
  EXPECT_THAT(ErrorOf([&] { File(absent, File::Mode::kReadWrite); }), HasSubstr("open " + absent.string()));
  EXPECT_THAT(ErrorOf([&] { File(absent / "x", File::Mode::kCreate); }), HasSubstr("open " + absent.string()));
  EXPECT_THAT(ErrorOf([&] { SyncDirectory(absent); }), HasSubstr("open " + absent.string()));
  EXPECT_THAT(ErrorOf([&] { File(dir / "small", File::Mode::kCreate).Allocate(SIZE_MAX / 4); }),
              AllOf(HasSubstr("posix_fallocate"), HasSubstr("small")));
  File closed;
  EXPECT_THAT(ErrorOf([&] { closed.size_bytes(); }), HasSubstr("fstat"));
  EXPECT_THAT(ErrorOf([&] { closed.SyncData(); }), HasSubstr("fdatasync"));
  EXPECT_THAT(ErrorOf([&] { closed.TryLock(); }), HasSubstr("flock"));
  char byte;
  EXPECT_THAT(ErrorOf([&] { closed.ReadAt(0, &byte, 1); }), HasSubstr("pread"));
  EXPECT_THAT(ErrorOf([&] { RingMapping(closed, 4096, 4096); }), HasSubstr("mmap"));
}

TEST(FileTest, ReadsUpToItsEnd) {
  const TempDir dir;
  WriteFile(dir / "file", "0123456789");
  const File file(dir / "file", File::Mode::kRead);
  char buffer[16] = {};
  EXPECT_EQ(file.size_bytes(), 10U);
  EXPECT_EQ(file.ReadAt(2, buffer, 3), 3U);
  EXPECT_EQ(std::string(buffer, 3), "234");
  EXPECT_EQ(file.ReadAt(8, buffer, 16), 2U);
  EXPECT_EQ(file.ReadAt(10, buffer, 16), 0U);
}

TEST(FileTest, OneLockAtATime) {
  const TempDir dir;
  File first(dir / "lock", File::Mode::kCreate);
  EXPECT_TRUE(first.TryLock());
  const File second(dir / "lock", File::Mode::kCreate);
  EXPECT_FALSE(second.TryLock());
  { const File moved = std::move(first); }
  EXPECT_TRUE(second.TryLock());
}

TEST(FileTest, ALockEndsWithItsFileThoughACopyOfTheDescriptorLivesOn) {
  const TempDir dir;
  int copy = -1;
  {
    const File first(dir / "lock", File::Mode::kCreate);
    EXPECT_TRUE(first.TryLock());
    copy = dup(first.fd());  // as a thread with a table of its own has it
  }
  EXPECT_TRUE(File(dir / "lock", File::Mode::kCreate).TryLock());
  close(copy);
}

TEST(FileTest, IdentityTellsAReplacedFileFromTheSame) {
  const TempDir dir;
  EXPECT_EQ(IdentityOf(dir / "file"), FileIdentity{});
  WriteFile(dir / "file", "a");
  const FileIdentity before = IdentityOf(dir / "file");
  EXPECT_NE(before, FileIdentity{});
  WriteFile(dir / "file", "b");
  EXPECT_EQ(IdentityOf(dir / "file"), before);
  WriteFile(dir / "other", "c");
  std::filesystem::rename(dir / "other", dir / "file");
  EXPECT_NE(IdentityOf(dir / "file"), before);
}

TEST(RingMappingTest, RunsOverTheEndIntoTheBeginning) {
  constexpr std::size_t kPage = 4096;
  const TempDir dir;
  File file(dir / "ring", File::Mode::kCreate);
  file.Allocate(3 * kPage);
  {
    const RingMapping ring(file, kPage, 2 * kPage);
    std::memcpy(ring.header(), "header", 6);
    std::memcpy(ring.ring() + 2 * kPage - 3, "seamless", 8);
    EXPECT_EQ(std::memcmp(ring.ring(), "mless", 5), 0);
    std::memcpy(ring.ring(), "MLESS", 5);
    EXPECT_EQ(std::memcmp(ring.ring() + 2 * kPage - 3, "seaMLESS", 8), 0);
  }
  const std::string bytes = ReadFile(dir / "ring");
  EXPECT_EQ(bytes.size(), 3 * kPage);
  EXPECT_EQ(bytes.substr(0, 6), "header");
  EXPECT_EQ(bytes.substr(kPage, 5), "MLESS");
  EXPECT_EQ(bytes.substr(3 * kPage - 3), "sea");
}

}  // namespace
}  // namespace dedup
