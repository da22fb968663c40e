#include "command/base/input.h"

#include <gtest/gtest.h>

#include <fstream>
#include <system_error>

#include "tests/unit/support/temp_dir.h"

namespace dedup::command {
namespace {

std::string ProblemOf(const std::string& path) {
  try {
    ReadInput(path);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "none";
}

TEST(InputTest, ReadsAllBytes) {
  const TempDir dir;
  const std::string bytes = std::string(200'000, 'x') + '\0' + "\r\n\xFF";
  std::ofstream(dir / "file", std::ios::binary) << bytes;
  EXPECT_EQ(ReadInput((dir / "file").string()), bytes);
}

TEST(InputTest, SaysWhichFileCannotBeReadAndWhy) {
  const TempDir dir;
  EXPECT_EQ(ProblemOf((dir / "away").string()),
            "cannot read " + (dir / "away").string() + ": No such file or directory");
  EXPECT_EQ(ProblemOf(dir.path().string()), "cannot read " + dir.path().string() + ": Is a directory");
}

}  // namespace
}  // namespace dedup::command
