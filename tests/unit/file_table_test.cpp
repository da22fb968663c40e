#include "file_table.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <latch>
#include <string>
#include <thread>

#include "file.h"
#include "temp_dir.h"

namespace dedup {
namespace {

// A thread with a table of its own, which lives while this one goes on.
class OtherThread {
 public:
  OtherThread()
      : thread_([this] {
          UnshareFileTable();
          unshared_.count_down();
          end_.wait();
        }) {
    unshared_.wait();
  }
  ~OtherThread() {
    end_.count_down();
    thread_.join();
  }

 private:
  std::latch unshared_{1};
  std::latch end_{1};
  std::thread thread_;
};

TEST(UnshareFileTable, KeepsNoSocketOpenThatAnotherThreadCloses) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const OtherThread other;
  close(ends[0]);
  char byte;
  EXPECT_EQ(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0) << "the other side sees no end: errno " << errno;
  close(ends[1]);
}

TEST(UnshareFileTable, KeepsRegularFiles) {
  const TempDir directory;
  const File file(directory.path() / "file", File::Mode::kCreate);
  std::string read(5, '\0');
  std::thread([&] {
    UnshareFileTable();
    file.WriteAt(0, "bytes", 5);
    file.SyncData();
    file.ReadAt(0, read.data(), read.size());
  }).join();
  EXPECT_EQ(read, "bytes");
  // The thread's end has closed what was its own, and not this.
  EXPECT_EQ(file.size_bytes(), 5U);
}

TEST(UnshareFileTable, SeesNothingThatIsOpenedLater) {
  std::latch unshared(1), opened(1);
  int fd = -1;
  int result = 0;
  std::thread thread([&] {
    UnshareFileTable();
    unshared.count_down();
    opened.wait();
    result = fsync(fd);
  });
  unshared.wait();
  const TempDir directory;
  const File file(directory.path() / "file", File::Mode::kCreate);
  fd = file.fd();
  opened.count_down();
  thread.join();
  EXPECT_EQ(result, -1);
}

}  // namespace
}  // namespace dedup
