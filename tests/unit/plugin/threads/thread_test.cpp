#include "plugin/core/threads/thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "plugin/core/base/file.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

// What the table of its own keeps is file_table_test.cpp's.
TEST(ThreadTest, HasAFileTableOfItsOwnBeforeItsBodyRuns) {
  const TempDir dir;
  const File ours(dir.path() / "file", File::Mode::kCreate);
  int fd = -1;
  bool has_ours = false, has_later = true;
  std::latch begun(1), opened(1);
  std::thread thread = StartThread(dir.path(), [&] {
    begun.count_down();
    opened.wait();
    has_ours = fcntl(ours.fd(), F_GETFD) != -1;
    has_later = fcntl(fd, F_GETFD) != -1;
  });
  begun.wait();
  const File later(dir.path() / "later", File::Mode::kCreate);
  fd = later.fd();
  opened.count_down();
  thread.join();
  EXPECT_TRUE(has_ours);
  EXPECT_FALSE(has_later);
}

}  // namespace
}  // namespace dedup
