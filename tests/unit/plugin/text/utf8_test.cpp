#include "plugin/core/text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace dedup {
namespace {

TEST(Utf8Test, KnowsTheSizeOfACharacter) {
  EXPECT_EQ(Utf8Size("a"), 1u);
  EXPECT_EQ(Utf8Size("\xC3\xA4x"), 2u);
  EXPECT_EQ(Utf8Size("\xE2\x82\xAC"), 3u);
  EXPECT_EQ(Utf8Size("\xF0\x9F\x98\x80"), 4u);
}

TEST(Utf8Test, WhatIsMalformedIsNone) {
  for (const char* const text : {"\x80", "\xBF", "\xC3", "\xC0\xAF", "\xC1\x81", "\xE0\x80\xAF", "\xED\xA0\x80",
                                 "\xE2\x82", "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(Utf8Size(text), 0u) << static_cast<int>(static_cast<unsigned char>(text[0]));
  }
}

TEST(Utf8Test, ThePrefixEndsBeforeWhatIsNone) {
  EXPECT_EQ(Utf8Prefix(""), 0u);
  EXPECT_EQ(Utf8Prefix("a\xC3\xA4"), 3u);
  EXPECT_EQ(Utf8Prefix("a\xC3\xA4\xE2\x82"), 3u);
  EXPECT_EQ(Utf8Prefix(std::string("\0\xFF", 2)), 1u);
}

}  // namespace
}  // namespace dedup
