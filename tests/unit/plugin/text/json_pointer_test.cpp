#include "plugin/core/text/json_pointer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

// The examples of RFC 6901, section 5, and the corners between them.
TEST(JsonPointerTest, IsReadAsRfc6901HasIt) {
  EXPECT_THAT(ParseJsonPointer(""), Optional(IsEmpty()));
  EXPECT_THAT(ParseJsonPointer("/foo"), Optional(ElementsAre("foo")));
  EXPECT_THAT(ParseJsonPointer("/foo/0"), Optional(ElementsAre("foo", "0")));
  EXPECT_THAT(ParseJsonPointer("/"), Optional(ElementsAre("")));
  EXPECT_THAT(ParseJsonPointer("//"), Optional(ElementsAre("", "")));
  EXPECT_THAT(ParseJsonPointer("/a~1b"), Optional(ElementsAre("a/b")));
  EXPECT_THAT(ParseJsonPointer("/m~0n"), Optional(ElementsAre("m~n")));
  EXPECT_THAT(ParseJsonPointer("/~01"), Optional(ElementsAre("~1")));
  EXPECT_THAT(ParseJsonPointer("/c%d/e^f/g|h/i\\j/k\"l/ "),
              Optional(ElementsAre("c%d", "e^f", "g|h", "i\\j", "k\"l", " ")));
  for (const std::string_view text : {"a", "a/b", "#/a", " /a", "/~", "/~2", "/a~/b", "~0"}) {
    EXPECT_EQ(ParseJsonPointer(text), std::nullopt) << text;
  }
}

TEST(JsonPointerTest, ItsTextIsWhatItWasReadFrom) {
  for (const std::string_view text : {"", "/", "/a", "/a/b/0", "/~0~1", "//", "/ä/~01"}) {
    EXPECT_EQ(JsonPointerText(*ParseJsonPointer(text)), text);
  }
}

TEST(JsonPointerTest, AnIndexHasNoLeadingZeroAndNoSign) {
  EXPECT_EQ(ArrayIndex("0"), 0U);
  EXPECT_EQ(ArrayIndex("7"), 7U);
  EXPECT_EQ(ArrayIndex("10"), 10U);
  EXPECT_EQ(ArrayIndex("4294967295"), 4294967295U);
  for (const std::string_view token : {"", "-", "00", "01", "+1", "-1", " 1", "1 ", "1a", "a", "4294967296", "0x1"}) {
    EXPECT_EQ(ArrayIndex(token), std::nullopt) << token;
  }
}

}  // namespace
}  // namespace dedup
