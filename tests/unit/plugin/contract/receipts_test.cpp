#include "plugin/core/contract/receipts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dedup::sidecar {
namespace {

struct Read {
  std::vector<Receipt> receipts;
  bool well_formed;
};

Read ReadAll(std::string_view text) {
  Read read;
  read.well_formed = ForEachReceipt(text, [&](const Receipt& receipt) { read.receipts.push_back(receipt); });
  return read;
}

TEST(ReceiptsTest, OneReceiptOrAnArrayOfThem) {
  const Read one = ReadAll(R"({"topic":"t","event_id":"a\u0000b","verdict":"processed","seq":18446744073709551615})");
  ASSERT_TRUE(one.well_formed);
  ASSERT_EQ(one.receipts.size(), 1u);
  EXPECT_EQ(one.receipts[0].topic, "t");
  EXPECT_EQ(one.receipts[0].event_id, std::string("a\0b", 3));
  EXPECT_EQ(one.receipts[0].outcome.verdict, Verdict::kProcessed);
  EXPECT_EQ(one.receipts[0].outcome.seq, 18446744073709551615u);

  const Read two = ReadAll(R"([{"topic":"t","event_id":"a","verdict":"duplicate","seq":1},)"
                           R"({"topic":"t","event_id":null,"verdict":"passed","seq":null}])");
  ASSERT_TRUE(two.well_formed);
  ASSERT_EQ(two.receipts.size(), 2u);
  EXPECT_EQ(two.receipts[0].outcome.verdict, Verdict::kDuplicate);
  EXPECT_EQ(two.receipts[1].outcome.verdict, Verdict::kPassed);
  EXPECT_EQ(two.receipts[1].outcome.seq, 0u);
}

TEST(ReceiptsTest, MalformedReceiptsAreSaidToBeSo) {
  for (const char* text : {"", "7", "{", "{}", "[{}]", R"({"topic":"t","event_id":"a","verdict":"perhaps","seq":1})",
                           R"({"topic":"t","event_id":"a","seq":1})", R"([{"verdict":"passed"},)"}) {
    EXPECT_FALSE(ReadAll(text).well_formed) << text;
  }
}

TEST(ReceiptsTest, TheAnswerSaysWhatThePluginDeduplicates) {
  const auto answer = ParseControlAnswer(R"({"responses":[{"command":"receipts","enable":true,"id_member":"id",)"
                                         R"("id_property":"dedup-id","topics":["a/#","b/+"]}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->settings.id_member, "id");
  EXPECT_EQ(answer->settings.id_property, "dedup-id");
  EXPECT_EQ(answer->settings.topics, (std::vector<std::string>{"a/#", "b/+"}));
}

TEST(ReceiptsTest, TheAnswerMayBeAnError) {
  const auto answer = ParseControlAnswer(R"({"responses":[{"command":"receipts","error":"unknown command"}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "unknown command");
}

TEST(ReceiptsTest, WhatIsNoAnswerIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"responses":[]})", R"({"responses":[{"command":"other"}]})",
                           R"({"responses":[{"command":"receipts"}])", R"({"responses":7})"}) {
    EXPECT_FALSE(ParseControlAnswer(text).has_value()) << text;
  }
}

TEST(ReceiptsTest, TheTopListsAreHandedOnAsTheyCame) {
  const auto answer = ParseTopAnswer(R"({"responses":[{"command":"top","correlationData":"7","since":"then",)"
                                     R"("topics":[{"topic":"a\u0000","events":1}],"duplicate_clients":[]}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->text, R"({"since":"then","topics":[{"topic":"a\u0000","events":1}],"duplicate_clients":[]})");
}

TEST(ReceiptsTest, AnOlderPluginKnowsNoTopLists) {
  const auto answer = ParseTopAnswer(R"({"responses":[{"command":"top","error":"unknown command"}]})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "unknown command");
  for (const char* text :
       {"", "{}", R"({"responses":[{"command":"receipts"}]})", R"({"responses":[{"command":"top"}])"}) {
    EXPECT_FALSE(ParseTopAnswer(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace dedup::sidecar
