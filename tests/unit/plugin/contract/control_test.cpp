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

TEST(ControlAnswerTest, TheTopListsAreHandedOnAsTheyCame) {
  const auto answer = ParseTopAnswer(R"({"responses":[{"command":"top","correlationData":"7","since":"then",)"
                                     R"("topics":[{"topic":"a\u0000","events":1}],"duplicate_clients":[]}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->text, R"({"since":"then","topics":[{"topic":"a\u0000","events":1}],"duplicate_clients":[]})");
}

TEST(ControlAnswerTest, AnOlderPluginKnowsNoTopLists) {
  const auto answer = ParseTopAnswer(R"({"responses":[{"command":"top","error":"unknown command"}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "unknown command");
  for (const char* text :
       {"", "{}", R"({"responses":[{"command":"receipts"}]})", R"({"responses":[{"command":"top"}])"}) {
    EXPECT_FALSE(ParseTopAnswer(text).has_value()) << text;
  }
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
