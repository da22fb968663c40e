#include "http_sidecar/mqtt/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/support/eventually.h"

namespace dedup::sidecar {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class QuestionsTest : public testing::Test {
 protected:
  std::future<std::optional<CommandAnswer>> Ask(const std::string& command, Questions::Duration age_max) {
    return std::async(std::launch::async, [this, command, age_max] {
      return questions_.Ask({command, ""}, age_max, seconds(60), [this] { ++woken_; });
    });
  }
  static std::string Request(const std::string& command, int number) {
    return CommandRequest({command, ""}, std::to_string(number));
  }
  void Answer(int number, const std::string& text) {
    questions_.Answer({.command = "c", .correlation = std::to_string(number), .text = text, .error = ""});
  }
  std::vector<std::string> AwaitUnsent(int count) {
    EXPECT_TRUE(Eventually([&] { return woken_ >= count; }));
    return questions_.TakeUnsent();
  }

  Questions questions_;
  std::atomic<int> woken_ = 0;
};

TEST_F(QuestionsTest, AnAnswerGoesToWhoeverAskedForIt) {
  auto top = Ask("top", seconds(0));
  EXPECT_THAT(AwaitUnsent(1), ElementsAre(Request("top", 1)));
  auto rules = Ask("rules", seconds(0));
  EXPECT_THAT(AwaitUnsent(2), ElementsAre(Request("rules", 2)));
  Answer(2, "r");
  Answer(7, "nobody's");
  questions_.Answer({.command = "c", .correlation = "no number", .text = "", .error = ""});
  Answer(1, "t");
  EXPECT_EQ(top.get()->text, "t");
  EXPECT_EQ(rules.get()->text, "r");
}

TEST_F(QuestionsTest, WhatSomebodyWaitsForIsNotAskedTwice) {
  auto first = Ask("top", hours(1));
  EXPECT_THAT(AwaitUnsent(1), ElementsAre(Request("top", 1)));
  auto second = Ask("top", hours(1));
  auto other = Ask("rules", hours(1));
  EXPECT_THAT(AwaitUnsent(2), ElementsAre(Request("rules", 2)));
  Answer(2, "r");
  other.get();
  Answer(1, "t");
  EXPECT_EQ(first.get()->text, "t");
  EXPECT_EQ(second.get()->text, "t");
  EXPECT_EQ(Ask("top", hours(1)).get()->text, "t") << "it is young enough";
  EXPECT_THAT(questions_.TakeUnsent(), IsEmpty());
}

TEST_F(QuestionsTest, AnOldAnswerIsAskedForAnew) {
  auto first = Ask("top", hours(1));
  AwaitUnsent(1);
  Answer(1, "old");
  first.get();
  auto second = Ask("top", std::chrono::nanoseconds(1));
  EXPECT_THAT(AwaitUnsent(2), ElementsAre(Request("top", 2)));
  Answer(2, "new");
  EXPECT_EQ(second.get()->text, "new");
}

TEST_F(QuestionsTest, AnErrorIsNotKept) {
  auto first = Ask("no such", hours(1));
  AwaitUnsent(1);
  questions_.Answer({.command = "c", .correlation = "1", .text = "", .error = "unknown"});
  EXPECT_EQ(first.get()->error, "unknown");
  auto second = Ask("no such", hours(1));
  EXPECT_THAT(AwaitUnsent(2), ElementsAre(Request("no such", 2)));
  Answer(2, "now there is");
  EXPECT_EQ(second.get()->text, "now there is");
}

TEST_F(QuestionsTest, WhoeverWantsANewAnswerSharesNone) {
  auto first = Ask("explain", seconds(0));
  AwaitUnsent(1);
  auto second = Ask("explain", seconds(0));
  EXPECT_THAT(AwaitUnsent(2), ElementsAre(Request("explain", 2)));
  Answer(1, "1");
  Answer(2, "2");
  EXPECT_EQ(first.get()->text, "1");
  EXPECT_EQ(second.get()->text, "2");
}

TEST_F(QuestionsTest, WithoutAnAnswerThereIsNothing) {
  EXPECT_FALSE(questions_.Ask({"top", ""}, seconds(1), milliseconds(1), [] {}));
  Answer(1, "too late");
  auto next = Ask("top", hours(1));
  EXPECT_THAT(AwaitUnsent(1), ElementsAre(Request("top", 2))) << "and nothing is sent for whoever has gone";
  Answer(2, "t");
  EXPECT_EQ(next.get()->text, "t");
}

TEST_F(QuestionsTest, TheEndOfTheConnectionIsTheEndOfTheWait) {
  auto sent = Ask("top", hours(1));
  AwaitUnsent(1);
  auto unsent = Ask("rules", seconds(0));
  EXPECT_TRUE(Eventually([&] { return woken_ == 2; }));
  questions_.Fail();
  EXPECT_FALSE(sent.get());
  EXPECT_FALSE(unsent.get());
  EXPECT_THAT(questions_.TakeUnsent(), IsEmpty());
  auto next = Ask("top", hours(1));
  EXPECT_THAT(AwaitUnsent(3), ElementsAre(Request("top", 3)));
  Answer(3, "t");
  EXPECT_EQ(next.get()->text, "t");
}

}  // namespace
}  // namespace dedup::sidecar
