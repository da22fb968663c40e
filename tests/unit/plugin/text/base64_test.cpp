#include "plugin/core/text/base64.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace dedup {
namespace {

TEST(DecodeBase64Test, GivesTheBytesBack) {
  // RFC 4648, section 10
  EXPECT_EQ(DecodeBase64(""), "");
  EXPECT_EQ(DecodeBase64("Zg=="), "f");
  EXPECT_EQ(DecodeBase64("Zm8="), "fo");
  EXPECT_EQ(DecodeBase64("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(DecodeBase64("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(DecodeBase64("AAD/"), std::string("\0\0\xff", 3));
}

TEST(DecodeBase64Test, PaddingMayBeLeftOut) {
  EXPECT_EQ(DecodeBase64("Zg"), "f");
  EXPECT_EQ(DecodeBase64("Zm8"), "fo");
}

TEST(DecodeBase64Test, WhatIsNoneIsTold) {
  for (const char* const text :
       {"Z", "Zg=", "Zm9v=", "Zm9v====", "Zh==", "Zm9=", "Z g==", "Zm9v\n", "-_-_", "Zg==Zg==", "="}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace dedup
