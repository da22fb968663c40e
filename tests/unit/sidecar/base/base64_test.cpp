#include "http_sidecar/base/base64.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace dedup::sidecar {
namespace {

TEST(Base64Test, HasPadding) {
  const auto encode = [](std::string_view bytes) {
    std::string text;
    AppendBase64(bytes, &text);
    return text;
  };
  // RFC 4648, section 10
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foob"), "Zm9vYg==");
  EXPECT_EQ(encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xfb\xff\xbf"), "+/+/");
}

TEST(Base64Test, IsAppendedWithoutALineBreak) {
  std::string text = "a";
  AppendBase64(std::string(3'000, 'x'), &text);
  AppendBase64("", &text);
  EXPECT_EQ(text.size(), 4'001u);
  EXPECT_TRUE(text.starts_with("aeHh4eHh4")) << text.substr(0, 20);
  EXPECT_EQ(text.find_first_of(std::string("\n\0", 2)), std::string::npos);
}

TEST(Base64Test, MoreThanOpenSslTakesAtOnceIsAnError) {
  std::string text = "a";
  // Nothing of it is read.
  EXPECT_THROW(AppendBase64(std::string_view("", std::size_t{1} << 31), &text), std::length_error);
  EXPECT_EQ(text, "a");
}

}  // namespace
}  // namespace dedup::sidecar
