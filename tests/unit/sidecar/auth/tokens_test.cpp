#include "http_sidecar/auth/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "http_sidecar/base/hex.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup::sidecar {
namespace {

class TokensTest : public testing::Test {
 protected:
  static std::string LineOf(const std::string& token, const std::string& name_and_scopes) {
    const std::size_t end = name_and_scopes.find(' ');
    return name_and_scopes.substr(0, end) + " sha256:" + HexOf(Sha256Of(token)) + name_and_scopes.substr(end) + "\n";
  }
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  static Caller Found(const Tokens& tokens, const std::string& authorization) {
    const auto caller = tokens.Find(authorization);
    EXPECT_TRUE(caller) << authorization;
    return caller.value_or(Caller::Stranger());
  }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / "tokens";
};

TEST_F(TokensTest, WithoutAFileEverybodyMayDoEverything) {
  const Tokens tokens(std::nullopt);
  for (const char* authorization : {"", "Bearer x", "Basic eDp5"}) {
    const Caller caller = Found(tokens, authorization);
    EXPECT_FALSE(caller.is_stranger());
    EXPECT_TRUE(caller.may_read_everything());
    EXPECT_TRUE(caller.MayPublish("a"));
    EXPECT_TRUE(tokens.Hold(caller));
  }
}

TEST_F(TokensTest, ATokenIsFoundByItsHash) {
  Write(LineOf("one", "first publish:a/# read:a/+") + LineOf("two", "second read:#"));
  const Tokens tokens(path_);
  const Caller first = Found(tokens, "Bearer one");
  EXPECT_EQ(first.name(), "first");
  EXPECT_TRUE(first.MayPublish("a/b/c"));
  EXPECT_FALSE(first.MayPublish("b"));
  EXPECT_TRUE(first.MayRead("a/b"));
  EXPECT_FALSE(first.MayRead("a/b/c"));
  EXPECT_FALSE(first.may_read_everything());
  const Caller second = Found(tokens, "bearer  two");  // the scheme's case does not count (RFC 9110, 11.1)
  EXPECT_EQ(second.name(), "second");
  EXPECT_FALSE(second.may_publish_something());
  EXPECT_TRUE(second.may_read_everything());
}

TEST_F(TokensTest, WhatIsNoTokenOfOursIsNobody) {
  Write(LineOf("one", "first read:#"));
  const Tokens tokens(path_);
  for (const char* authorization : {"Bearer", "Bearer ", "Bearer onee", "Bearer on", "Bearer ONE", "one", "Basic one",
                                    "Bearer one, Bearer one", "Bearer one "}) {
    EXPECT_FALSE(tokens.Find(authorization)) << authorization;
  }
  const Caller stranger = Found(tokens, "");
  EXPECT_TRUE(stranger.is_stranger());
  EXPECT_FALSE(stranger.MayRead("a") || stranger.MayPublish("a") || stranger.may_read_everything() ||
               stranger.may_read_something() || stranger.may_publish_something());
}

TEST_F(TokensTest, AReloadChangesWhoHolds) {
  Write(LineOf("one", "first read:#") + LineOf("two", "second read:a"));
  Tokens tokens(path_);
  const Caller first = Found(tokens, "Bearer one"), second = Found(tokens, "Bearer two");
  Write(LineOf("two", "second read:b") + LineOf("one", "first read:#"));
  tokens.Reload();
  EXPECT_TRUE(tokens.Hold(first));
  EXPECT_FALSE(tokens.Hold(second)) << "it may read something else now";
  Write("nonsense");
  EXPECT_THROW(tokens.Reload(), TokenFileError);
  EXPECT_TRUE(tokens.Hold(first));
  EXPECT_TRUE(tokens.Find("Bearer two"));
  EXPECT_EQ(tokens.count(), 2U);
  Write("# as an editor leaves it for a moment\n");
  EXPECT_THROW(tokens.Reload(), TokenFileError);
  EXPECT_TRUE(tokens.Hold(first));
  Write(LineOf("three", "third read:#"));
  tokens.Reload();
  EXPECT_FALSE(tokens.Hold(first));
  EXPECT_FALSE(tokens.Find("Bearer one"));
}

}  // namespace
}  // namespace dedup::sidecar
