#include "plugin/core/base/file_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <latch>
#include <optional>
#include <string>
#include <thread>

#include "plugin/core/base/file.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

class FileTableTest : public testing::Test {
 protected:
  // Calls body() in a thread that has called UnshareFileTable, before that returns calls meanwhile() in this one.
  template <class Meanwhile, class Body>
  void InOtherThread(Meanwhile meanwhile, Body body) {
    std::latch unshared(1), go_on(1);
    std::thread thread([&] {
      UnshareFileTable(data_dir_.path());
      unshared.count_down();
      go_on.wait();
      body();
    });
    unshared.wait();
    meanwhile();
    go_on.count_down();
    thread.join();
  }

  const TempDir data_dir_;
};

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST_F(FileTableTest, KeepsNoConnectionThatAnotherThreadCloses) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  InOtherThread(
      [&] {
        close(ends[0]);
        char byte;
        EXPECT_EQ(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0) << "the other side sees no end: errno " << errno;
      },
      [] {});
  close(ends[1]);
}

TEST_F(FileTableTest, KeepsTheFilesOfTheDataDirectoryAndNoOther) {
  const TempDir elsewhere;
  const File ours(data_dir_.path() / "file", File::Mode::kCreate);
  const File other(elsewhere.path() / "log", File::Mode::kCreate);
  std::string read(5, '\0');
  InOtherThread([] {},
                [&] {
                  ours.WriteAt(0, "bytes", 5);
                  ours.SyncData();
                  ours.ReadAt(0, read.data(), read.size());
                  EXPECT_FALSE(IsOpen(other.fd()));
                });
  EXPECT_EQ(read, "bytes");
  // What the thread closed, with its end too, was its own.
  EXPECT_EQ(ours.size_bytes(), 5U);
  EXPECT_EQ(other.size_bytes(), 0U);
}

TEST_F(FileTableTest, SeesNothingThatIsOpenedLater) {
  std::optional<File> file;
  InOtherThread([&] { file.emplace(data_dir_.path() / "file", File::Mode::kCreate); },
                [&] { EXPECT_FALSE(IsOpen(file->fd())); });
}

TEST_F(FileTableTest, StaysSharedWhenItIsFull) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  std::optional<File> file;
  const int next = dup(STDERR_FILENO);
  close(next);
  const rlimit full{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &full), 0);
  InOtherThread(
      [&] {
        setrlimit(RLIMIT_NOFILE, &before);
        file.emplace(data_dir_.path() / "file", File::Mode::kCreate);
      },
      [&] { EXPECT_TRUE(IsOpen(file->fd())); });
}

TEST_F(FileTableTest, StaysSharedWithoutTheDirectory) {
  std::optional<File> file;
  std::filesystem::remove(data_dir_.path());
  const TempDir elsewhere;
  InOtherThread([&] { file.emplace(elsewhere.path() / "file", File::Mode::kCreate); },
                [&] { EXPECT_TRUE(IsOpen(file->fd())); });
}

}  // namespace
}  // namespace dedup
