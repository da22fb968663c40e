#include "plugin/core/contract/receipts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugin/core/text/json.h"

namespace dedup {
namespace {

struct KeptReceipt {
  std::string topic, event_id;
  Outcome outcome;
  std::uint64_t number;
  std::optional<std::uint32_t> checksum;
};

struct Read {
  std::vector<KeptReceipt> receipts;
  bool well_formed;
};

Read ReadAll(std::string_view text) {
  Read read;
  read.well_formed = ForEachReceipt(text, [&](const Receipt& receipt) {
    read.receipts.push_back(
        {std::string(receipt.topic), std::string(receipt.event_id), receipt.outcome, receipt.number, receipt.checksum});
  });
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
  for (const char* text :
       {"", "7", "{", "{}", "[{}]", R"({"topic":"t","event_id":"a","verdict":"perhaps","seq":1})",
        R"({"topic":"t","event_id":"a","seq":1})", R"([{"verdict":"passed"},)",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":"1"})",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":1,"number":1.5})",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":1,"number":18446744073709551616})",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":1,"number":null})",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":1,"number":1,"checksum":-1})",
        R"({"topic":"t","event_id":"a","verdict":"processed","seq":1,"number":1,"checksum":4294967296})"}) {
    EXPECT_FALSE(ReadAll(text).well_formed) << text;
  }
}

TEST(ReceiptJsonTest, NamesTheVerdictAndTheSeq) {
  EXPECT_EQ(ReceiptJson({.topic = "t", .event_id = "id", .outcome = {Verdict::kProcessed, 12}}),
            R"({"topic":"t","event_id":"id","verdict":"processed","seq":12})");
  EXPECT_EQ(ReceiptJson({.topic = "t", .event_id = "id", .outcome = {Verdict::kDuplicate, 18446744073709551615U}}),
            R"({"topic":"t","event_id":"id","verdict":"duplicate","seq":18446744073709551615})");
}

TEST(ReceiptJsonTest, WhatIsNoEventHasNeitherIdNorSeq) {
  EXPECT_EQ(ReceiptJson({.topic = "t", .event_id = {}, .outcome = {}}),
            R"({"topic":"t","event_id":null,"verdict":"passed","seq":null})");
}

TEST(ReceiptJsonTest, ANumberedOneIsReadAsItWasWritten) {
  const std::string text = ReceiptJson({.topic = "t",
                                        .event_id = "a",
                                        .outcome = {Verdict::kDuplicate, 1},
                                        .number = 18446744073709551615U,
                                        .checksum = ReceiptChecksum("payload")});
  const Read read = ReadAll(text);
  ASSERT_TRUE(read.well_formed) << text;
  ASSERT_EQ(read.receipts.size(), 1U);
  EXPECT_EQ(read.receipts[0].number, 18446744073709551615U);
  EXPECT_EQ(read.receipts[0].checksum, ReceiptChecksum("payload"));
  EXPECT_NE(read.receipts[0].checksum, ReceiptChecksum("payloae"));
  EXPECT_EQ(ReceiptJson({.topic = "t", .event_id = {}, .outcome = {}, .number = 1}),
            R"({"topic":"t","event_id":null,"verdict":"passed","seq":null,"number":1})");
}

TEST(ReceiptJsonTest, QuotesTopicAndId) {
  const std::string text =
      ReceiptJson({.topic = "a\"b\\c/ö", .event_id = {"\0\n\"\x7F😀", 8}, .outcome = {Verdict::kProcessed, 1}});
  EXPECT_EQ(text, R"({"topic":"a\"b\\c/ö","event_id":"\u0000\u000a\"\u007f😀","verdict":"processed","seq":1})");
  json::Value value;
  EXPECT_TRUE(json::Reader(text).ReadDocument(&value));
}

}  // namespace
}  // namespace dedup
