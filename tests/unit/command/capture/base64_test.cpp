#include "command/capture/base64.h"

#include <gtest/gtest.h>

namespace dedup::command {
namespace {

TEST(Base64Test, KeepsAllBytes) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(BytesOfBase64(Base64Of(bytes)), bytes) << i;
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Base64Test, IsThatOfTheStandard) {
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foo"), "Zm9v");
}

TEST(Base64Test, WhatIsNoneIsRefused) {
  for (const char* text : {"Zg=", "Zg", "Z===", "Zm9v!", "Zm 9v===", "Zh=="})
    EXPECT_EQ(BytesOfBase64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace dedup::command
