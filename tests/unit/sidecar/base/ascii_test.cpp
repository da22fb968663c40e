#include "http_sidecar/base/ascii.h"

#include <gtest/gtest.h>

#include <string_view>

namespace dedup::sidecar {
namespace {

using std::string_view_literals::operator""sv;

TEST(AsciiLower, MakesLettersSmallAndLeavesAllElse) {
  EXPECT_EQ(AsciiLower("Application/JSON;Q=0.5"), "application/json;q=0.5");
  EXPECT_EQ(AsciiLower("AZaz@[`{"), "azaz@[`{");
  EXPECT_EQ(AsciiLower("\xC4\xD6 \xC3\x84"), "\xC4\xD6 \xC3\x84");
  EXPECT_EQ(AsciiLower("A\0B"sv), "a\0b"sv);
  EXPECT_EQ(AsciiLower(""), "");
}

TEST(EqualsIgnoringCase, OfLettersAlone) {
  EXPECT_TRUE(EqualsIgnoringCase("Content-Type", "content-tYPE"));
  EXPECT_TRUE(EqualsIgnoringCase("", ""));
  EXPECT_FALSE(EqualsIgnoringCase("gzip", "gzi"));
  EXPECT_FALSE(EqualsIgnoringCase("gzi", "gzip"));
  EXPECT_FALSE(EqualsIgnoringCase("@[`{", "`{@["));
  EXPECT_FALSE(EqualsIgnoringCase("a\0b"sv, "a\0c"sv));
}

}  // namespace
}  // namespace dedup::sidecar
