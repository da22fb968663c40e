#include "command/base/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dedup::command {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ArgumentsTest : public testing::Test {
 protected:
  void Read(std::vector<std::string_view> arguments, std::vector<std::string>* others = nullptr) {
    ReadArguments(options_, arguments, others);
  }
  std::string ProblemOf(std::vector<std::string_view> arguments) {
    try {
      Read(std::move(arguments));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "none";
  }

  std::string host_;
  int switched_ = 0;
  const std::vector<Option> options_ = {
      {{"-h", "--host"}, "HOST", "where it is (localhost)", [this](std::string_view text) { host_ = text; }, "Broker"},
      {{"--a-name-that-is-long"},
       "PORT",
       "a port",
       [](std::string_view text) {
         if (text != "1") throw std::invalid_argument("takes a port");
       }},
      {{"--switch"}, "", "turns it on", [this](std::string_view) { ++switched_; }, "Else"}};
};

TEST_F(ArgumentsTest, ValuesStandBehindTheNameOrAnEqualsSign) {
  Read({"-h", "a"});
  EXPECT_EQ(host_, "a");
  Read({"--host=b=c", "--switch"});
  EXPECT_EQ(host_, "b=c");
  EXPECT_EQ(switched_, 1);
  Read({"-h", "-p"});
  EXPECT_EQ(host_, "-p");
}

TEST_F(ArgumentsTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(ProblemOf({"--hots", "a"}), "unknown argument \"--hots\"; --help lists what there is");
  EXPECT_EQ(ProblemOf({"file"}), "unknown argument \"file\"; --help lists what there is");
  EXPECT_EQ(ProblemOf({"--host"}), "--host takes a value");
  EXPECT_EQ(ProblemOf({"--switch=on"}), "--switch takes no value");
  EXPECT_EQ(ProblemOf({"--a-name-that-is-long", "2"}), "--a-name-that-is-long takes a port, not \"2\"");
}

TEST_F(ArgumentsTest, OthersAreKeptInOrder) {
  std::vector<std::string> others;
  Read({"check", "--switch", "-", "--", "--switch", "file"}, &others);
  EXPECT_THAT(others, ElementsAre("check", "-", "--switch", "file"));
  EXPECT_EQ(switched_, 1);
  others.clear();
  Read({}, &others);
  EXPECT_THAT(others, IsEmpty());
}

TEST_F(ArgumentsTest, HelpIsInGroups) {
  EXPECT_EQ(OptionsText(options_),
            "\nBroker:\n"
            "  -h, --host HOST          where it is (localhost)\n"
            "  --a-name-that-is-long PORT\n"
            "                           a port\n"
            "\nElse:\n"
            "  --switch                 turns it on\n");
}

}  // namespace
}  // namespace dedup::command
