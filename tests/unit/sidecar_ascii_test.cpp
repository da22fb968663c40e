#include <gtest/gtest.h>

#include <string_view>

#include "ascii.h"

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

}  // namespace
}  // namespace dedup::sidecar
