#include "http_sidecar/base/why_unreadable.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/support/temp_dir.h"

namespace dedup::sidecar {
namespace {

TEST(WhyUnreadableTest, SaysWhatTheKernelSays) {
  const TempDir dir;
  WriteFile(dir / "file", "x");
  WriteFile(dir / "empty", "");
  std::filesystem::create_symlink(dir / "loop", dir / "loop");
  EXPECT_EQ(WhyUnreadable(dir / "none"), "No such file or directory");
  EXPECT_EQ(WhyUnreadable(dir / "file/below"), "Not a directory");
  EXPECT_EQ(WhyUnreadable(dir.path()), "Is a directory");
  EXPECT_EQ(WhyUnreadable(dir / "loop"), "Too many levels of symbolic links");
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(WhyUnreadable(dir / "pipe"), "is no regular file");
  EXPECT_EQ(WhyUnreadable("/dev/null"), "is no regular file");
  EXPECT_EQ(WhyUnreadable(dir / "file"), "");
  EXPECT_EQ(WhyUnreadable(dir / "empty"), "");
}

}  // namespace
}  // namespace dedup::sidecar
