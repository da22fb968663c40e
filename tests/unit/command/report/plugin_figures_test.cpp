#include "command/report/plugin_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "command/report/reloaded_text.h"
#include "command/report/rule_report_text.h"
#include "command/report/stats_text.h"

namespace dedup::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Stats(std::uint64_t value) {
  std::string figures;
  for (const Figure& figure : kFigures) {
    figures += (figures.empty() ? "\"" : ",\"") + std::string(figure.name) + "\":" + std::to_string(value);
  }
  return R"({"version":"1","trouble":null,"figures":{)" + figures + "}}";
}

// Members of "one_key" and, behind them, of the rule.
std::string Rule(const std::string& one_key, std::uint64_t compared, std::uint64_t conflicts,
                 const std::string& others = "") {
  return R"({"name":"a","mode":"drop","topics":["x/+","y"],"window_ms":null,"since":"then","matched":9,"keyed":8,)"
         R"("without_key":1,"processed":5,"duplicates":3,"compared":)" +
         std::to_string(compared) + ",\"conflicts\":" + std::to_string(conflicts) + ",\"one_key\":{" + one_key + "}" +
         others + "}";
}

constexpr char kNoOneKey[] = R"("topics_watched":4,"topics_with_one_key":2)";
constexpr char kOneKey[] =
    R"("topics_watched":4,"topics_with_one_key":3,"last":{"at":"then","topic":"x/1","key":"k\u001b","messages":9,"of_one_key":8})";

std::string WarningOf(const std::string& rule) { return ReadRuleFigures("{\"rules\":[" + rule + "]}").at(0).warning; }

TEST(PluginFiguresTest, EachIsReadUnderItsName) {
  const std::string answers[] = {Stats(7), "{\"rules\":[" + Rule(kNoOneKey, 2, 1) + "]}",
                                 R"({"since":"then","topics":[{"topic":"t","events":3,"duplicates":2,"error":1}],)"
                                 R"("duplicate_clients":[{"client_id":"c","duplicates":2,"error":0}]})"};
  const PluginFigures figures = ReadFigures(answers);
  for (const Figure& figure : kFigures) EXPECT_EQ(figures.Value(figure.name), 7U);
  EXPECT_EQ(figures.rules.at(0).values.at(0), 9U);
  EXPECT_EQ(figures.topics.at(0).events, 3U);
  EXPECT_EQ(figures.clients.at(0).text, "c");
  EXPECT_TRUE(ReadFigures(std::span(answers).first(2)).topics.empty());
}

TEST(PluginFiguresTest, WhatIsNoAnswerIsSaidToBeNone) {
  for (const char* const answer : {"{}", "[]", R"({"rules":[7]})", R"({"rules":[{"name":"a"}]})"}) {
    EXPECT_THROW(ReadRuleFigures(answer), std::runtime_error) << answer;
    EXPECT_THROW(RuleReportText(answer), std::runtime_error) << answer;
  }
  EXPECT_THROW(ReloadedText("{}"), std::runtime_error);
}

TEST(PluginFiguresTest, AKeyThatNamesADeviceIsWarnedOf) {
  EXPECT_EQ(WarningOf(Rule(kNoOneKey, 2, 1)), "");
  EXPECT_EQ(WarningOf(Rule(kNoOneKey, 3, 2)),
            "most duplicates have another payload than the first (2 of 3 compared): does the key name a device, not an "
            "event?");
  EXPECT_EQ(WarningOf(Rule(kOneKey, 0, 0)),
            "on 3 of 4 topics watched most messages had one and the same key (k.): does it name a device, not an "
            "event?");
}

TEST(PluginFiguresTest, WhatIsWrongWithTheStoreIsSaid) {
  const std::string rules = R"({"rules":[]})";
  const auto text_of = [&](const std::string& stats) {
    const std::string answers[] = {stats, rules};
    return StatsText(ReadFigures(answers), "b:1");
  };
  EXPECT_THAT(text_of(Stats(1)), AllOf(HasSubstr("\n1 event came; 1 was a duplicate (100 %).\nEvents cannot be stored "
                                                 "now, and wait in the journal"),
                                       HasSubstr("Events are refused now"), HasSubstr("There is no rule")));
  EXPECT_THAT(text_of(Stats(0)), AllOf(HasSubstr("\n0 events came; 0 were duplicates.\n\n"), Not(HasSubstr(" now,"))));
  EXPECT_EQ(text_of(R"({"version":"1","trouble":"no room","figures":null})"),
            "mosquitto-dedup 1 at b:1\nEvents cannot be stored, so there are no figures: no room\n");
}

std::string Observed(const std::string& counts, const std::string& memory, const std::string& samples) {
  return Rule(kNoOneKey, 0, 0,
              R"(,"observations":{"since":"then",)" + counts +
                  R"("same_payload":1,"other_payload":2,"other_client":3,"other_topic":0,"clients":1,"topics":2,)"
                  R"("gap_ms":{"p50":20,"p99":150,"max":8000},"keys":[{"key":"k","copies":3,"error":1}],)"
                  R"("differences":{"compared":2,"places":[{"place":"/rssi","copies":2,"error":0}]},"samples":[)" +
                  samples + R"(],"memory":{)" + memory + "}}");
}

constexpr char kMemory[] = R"("keys":3,"keys_max":100,"forgotten_early":0,"reach_ms":0)";

TEST(RuleReportTextTest, WhatItWouldDo) {
  EXPECT_THAT(
      RuleReportText(Observed(R"("firsts":1,"copies":3,)", kMemory,
                              R"({"at":"then","key":"k","gap_ms":20,"same_payload":false,)"
                              R"("first":{"topic":"x/1","client_id":null,"payload":"a\u001bb","payload_bytes":9},)"
                              R"("copy":{"topic":"x/2","client_id":"c","payload_hex":"ff00","payload_bytes":2}})")),
      AllOf(
          HasSubstr("3 copies of 4 messages (75 %) would not be handed on.\n   Payload: 1 the same, 2 another one\n"
                    "   Behind the first: half within 0.020 s, 99 % within 0.15 s, all within 8.00 s; the window is "
                    "to be longer\n   From about 1 client, on about 2 topics; 3 came from another client than the "
                    "first, 0 on another topic\n"),
          HasSubstr("What copies change, of 2 with another payload:\n   2 copies (100 %): /rssi\n"),
          HasSubstr("   >= 3 copies (100 %): k\n"),
          HasSubstr("   k: 0.020 s later, another payload\n      first on x/1\n         a.b …\n      copy on x/2 from "
                    "c\n         hex ff00\n"),
          HasSubstr("It remembers 3 of at most 100 keys.\n")));
}

TEST(RuleReportTextTest, WhereThereIsLittleToTell) {
  EXPECT_THAT(RuleReportText(Observed(R"("firsts":0,"copies":0,)", kMemory, "")),
              HasSubstr("No message with a key came.\n"));
  EXPECT_THAT(RuleReportText(Observed(R"("firsts":1,"copies":0,)", kMemory, "")),
              HasSubstr("1 message with a key came, and no copy of any.\n"));
  EXPECT_THAT(RuleReportText(Observed(R"("firsts":1,"copies":3,)",
                                      R"("keys":100,"keys_max":100,"forgotten_early":5,"reach_ms":2400000)", "")),
              HasSubstr("Its memory of 100 keys reaches back 40m00s, less than the window"));
  EXPECT_THAT(RuleReportText(Rule(kNoOneKey, 0, 0, R"(,"observations":null)")), Not(HasSubstr("would do")));
}

}  // namespace
}  // namespace dedup::command
