#include "plugin/core/contract/control.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace dedup {
namespace {

TEST(ControlAnswerTest, TheAnswerSaysWhatThePluginDeduplicates) {
  const auto answer = ParseReceiptsAnswer(R"({"responses":[{"command":"receipts","enable":true,"id_member":"id",)"
                                          R"("id_property":"dedup-id","topics":["a/#","b/+"]}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_FALSE(answer->is_numbered);
  EXPECT_EQ(answer->settings.id_member, "id");
  EXPECT_EQ(answer->settings.id_property, "dedup-id");
  EXPECT_EQ(answer->settings.topics, (std::vector<std::string>{"a/#", "b/+"}));
}

TEST(ControlAnswerTest, TheAnswerSaysWhetherReceiptsAreNumbered) {
  for (const auto& [member, is_numbered] : {std::pair{"true", true}, {"false", false}, {"1", false}}) {
    const auto answer = ParseReceiptsAnswer(R"({"responses":[{"command":"receipts","enable":true,"numbered":)" +
                                            std::string(member) + "}]}");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->is_numbered, is_numbered) << member;
  }
}

TEST(ControlAnswerTest, TheAnswerMayBeAnError) {
  const auto answer = ParseReceiptsAnswer(R"({"responses":[{"command":"receipts","error":"unknown command"}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "unknown command");
}

TEST(ControlAnswerTest, WhatIsNoAnswerIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"responses":[]})", R"({"responses":[{"command":"other"}]})",
                           R"({"responses":[{"command":"receipts"}])", R"({"responses":7})"}) {
    EXPECT_FALSE(ParseReceiptsAnswer(text).has_value()) << text;
  }
}

TEST(ControlAnswerTest, ARequestThatWasNotReadIsToldFromACommandThatFailed) {
  EXPECT_TRUE(IsUnread(R"({"responses":[{"error":"expected {\"commands\":[…]}"}]})"));
  for (const char* text : {"", "[]", "{}", R"({"responses":[]})", R"({"responses":[{"command":"top"}]})",
                           R"({"responses":[{"command":"","correlationData":"7","error":"unknown command"}]})",
                           R"({"error":"of the broker"})", R"({"responses":[{"error":"cut"})"}) {
    EXPECT_FALSE(IsUnread(text)) << text;
  }
}

TEST(CommandAnswerTest, AnAnswerIsHandedOnAsItCame) {
  const auto answers =
      ParseCommandAnswers(R"({"responses":[{"command":"top","correlationData":"7","since":"then",)"
                          R"("topics":[{"topic":"a\u0000","events":1}],"a\"b":12345678901234567890}]})");
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].command, "top");
  EXPECT_EQ(answers[0].correlation, "7");
  EXPECT_EQ(answers[0].error, "");
  EXPECT_EQ(answers[0].text,
            R"({"since":"then","topics":[{"topic":"a\u0000","events":1}],"a\"b":12345678901234567890})");
}

TEST(CommandAnswerTest, AnAnswerMayBeAnError) {
  const auto answers =
      ParseCommandAnswers(R"({"responses":[{"command":"rules","correlationData":"7","error":"unknown command"},)"
                          R"({"command":"rule","correlationData":"8","error":7}]})");
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].error, "unknown command");
  EXPECT_EQ(answers[1].error, "an error without a text");
}

TEST(CommandAnswerTest, WhatIsNoAnswerIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"responses":[]})", R"({"responses":[{"command":"top"}]})",
                           R"({"responses":[{"command":"top","correlationData":"7"}])", R"({"responses":[7]})"}) {
    EXPECT_TRUE(ParseCommandAnswers(text).empty()) << text;
  }
}

TEST(CommandAnswerTest, ARequestHasTheCommandAndItsNumber) {
  EXPECT_EQ(CommandRequest({"top", ""}, "7"), R"({"commands":[{"command":"top","correlationData":"7"}]})");
  EXPECT_EQ(CommandRequest({"rule", R"("name":"wis2")"}, "8"),
            R"({"commands":[{"command":"rule","correlationData":"8","name":"wis2"}]})");
}

TEST(ControlAnswerTest, AnAnswerOfTheBrokerItselfIsKnown) {
  EXPECT_TRUE(IsAnswerOfBroker(R"({"error": "endpoint not available"})"));
  for (const char* text : {"", "[]", "{}", R"({"error":)", R"({"responses":[{"command":"receipts","error":"no"}]})",
                           R"({"error":"","responses":[]})"}) {
    EXPECT_FALSE(IsAnswerOfBroker(text)) << text;
  }
}

}  // namespace
}  // namespace dedup
