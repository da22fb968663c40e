#include "http_sidecar/auth/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/unit/support/temp_dir.h"

namespace dedup::sidecar {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// SHA-256 of "secret", as sha256sum says.
constexpr char kHash[] = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

class TokenFileTest : public testing::Test {
 protected:
  std::vector<Token> Read(const std::string& text) {
    std::ofstream(path_) << text;
    return ReadTokenFile(path_);
  }
  std::string ErrorOf(const std::string& text) {
    try {
      Read(text);
    } catch (const TokenFileError& error) {
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / "tokens";
};

TEST_F(TokenFileTest, ALineIsANameAHashAndScopes) {
  const std::string other = "sha256:" + std::string(64, 'F');
  const auto tokens = Read(std::string("# people\n\n  \n") + "a " + kHash +
                           " publish:x/# read:# read:with%20blank/+\r\n" + "b\t" + other + "\tread:c");
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].name, "a");
  EXPECT_EQ(tokens[0].hash, Sha256Of("secret"));
  EXPECT_THAT(tokens[0].publish, ElementsAre("x/#"));
  EXPECT_THAT(tokens[0].read, ElementsAre("#", "with blank/+"));
}

TEST_F(TokenFileTest, AFileWithoutATokenIsNone) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("holds no token"));
  EXPECT_THAT(ErrorOf("# nothing\n\n"), HasSubstr("holds no token"));
}

TEST_F(TokenFileTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THROW(ReadTokenFile(path_), TokenFileError);
}

TEST_F(TokenFileTest, WhatIsWrongIsNamedWithItsLine) {
  const std::string good = std::string("a ") + kHash + " read:#\n";
  const std::string line_2 = path_.string() + ":2: ";
  for (const std::string& line :
       {std::string("b"), std::string("b ") + kHash, std::string("b sha256:12 read:#"),
        "b " + std::string(71, 'a') + " read:#", "b sha256:" + std::string(63, 'a') + "g read:#",
        "b sha256:" + std::string(65, 'a') + " read:#", "b SHA256:" + std::string(64, 'a') + " read:#"}) {
    EXPECT_THAT(ErrorOf(good + line), AllOf(HasSubstr(line_2), HasSubstr("64 hexadecimal digits"))) << line;
  }
  const std::string start = good + "b sha256:" + std::string(64, 'a') + " ";
  EXPECT_THAT(ErrorOf(start + "write:#"), AllOf(HasSubstr(line_2), HasSubstr("write:#")));
  EXPECT_THAT(ErrorOf(start + "read"), AllOf(HasSubstr(line_2), HasSubstr("read:FILTER")));
  for (const char* filter : {"read:", "read:a#", "publish:#/a", "publish:a+/b"}) {
    EXPECT_THAT(ErrorOf(start + filter), AllOf(HasSubstr(line_2), HasSubstr("no MQTT filter"))) << filter;
  }
  EXPECT_THAT(ErrorOf(good + "a sha256:" + std::string(64, 'a') + " read:#"),
              AllOf(HasSubstr(line_2), HasSubstr("name")));
  EXPECT_THAT(ErrorOf(good + "b " + kHash + " read:#"), AllOf(HasSubstr(line_2), HasSubstr("hash")));
}

TEST_F(TokenFileTest, AFileThatCannotBeReadIsNamed) {
  for (const std::filesystem::path& path : {dir_ / "nothing", dir_ / "."}) {
    try {
      ReadTokenFile(path);
      FAIL() << path;
    } catch (const TokenFileError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
    }
  }
}

TEST_F(TokenFileTest, ANewTokenFitsItsLine) {
  const NewToken all = MakeToken("me");
  const NewToken some = MakeToken("gateway-7 publish:fleet/7/#");
  EXPECT_EQ(all.token.size(), 64U);
  EXPECT_NE(all.token, some.token);
  const auto tokens = Read(all.line + "\n" + some.line + "\n");
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].hash, Sha256Of(all.token));
  EXPECT_THAT(tokens[0].publish, ElementsAre("#"));
  EXPECT_THAT(tokens[0].read, ElementsAre("#"));
  EXPECT_EQ(tokens[1].name, "gateway-7");
  EXPECT_THAT(tokens[1].publish, ElementsAre("fleet/7/#"));
  EXPECT_THAT(tokens[1].read, IsEmpty());
}

TEST_F(TokenFileTest, ANewTokenOfWhatIsNoLineIsRefused) {
  for (const char* text : {"", " ", " read:#", "#a", "a write:#", "a\nb", "a read:#\nb"}) {
    EXPECT_THROW(MakeToken(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace dedup::sidecar
