#include "http_sidecar/base/percent.h"

#include <gtest/gtest.h>

#include <string>

namespace dedup::sidecar {
namespace {

TEST(PercentTest, APlusIsASpaceOrItself) {
  EXPECT_EQ(PercentDecoded("a%2fb%2B+", Plus::kIsASpace), "a/b+ ");
  EXPECT_EQ(PercentDecoded("%2B+", Plus::kIsItself), "++");
  EXPECT_EQ(PercentDecoded("%00%ff", Plus::kIsItself), std::string("\0\xff", 2));
}

TEST(PercentTest, APercentThatIsNoEscapeStays) {
  EXPECT_EQ(PercentDecoded("100%", Plus::kIsASpace), "100%");
  EXPECT_EQ(PercentDecoded("%4", Plus::kIsASpace), "%4");
  EXPECT_EQ(PercentDecoded("%zz%-1%+1%u0041%%41", Plus::kIsASpace), "%zz%-1% 1%u0041%A");
}

}  // namespace
}  // namespace dedup::sidecar
