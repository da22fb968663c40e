#include "plugin/core/observe/rule_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin/core/text/json.h"

namespace dedup {
namespace {

using testing::HasSubstr;

std::string Checked(const std::string& text) {
  json::Value value;
  EXPECT_TRUE(json::Reader(text).ReadDocument(&value)) << text;
  return text;
}

TEST(RuleReportTest, ASummaryHasAllCounters) {
  RuleReport report;
  report.name = "wis2";
  report.topics = {"origin/a/wis2/#", "say \"hi\""};
  report.window = std::chrono::minutes(15);
  report.since = "2026-01-31T23:59:59Z";
  report.counters = {.matched = 10, .keyed = 8, .processed = 5, .duplicates = 3, .compared = 2, .conflicts = 1};
  report.one_key.topics_watched = 4;
  EXPECT_EQ(Checked(SummaryJson(report)),
            R"({"name":"wis2","mode":"drop","topics":["origin/a/wis2/#","say \"hi\""],"window_ms":900000,)"
            R"("since":"2026-01-31T23:59:59Z","matched":10,"keyed":8,"without_key":2,"processed":5,"duplicates":3,)"
            R"("compared":2,"conflicts":1,"one_key":{"topics_watched":4,"topics_with_one_key":0}})");
}

TEST(RuleReportTest, WithoutObservationsThereIsNull) {
  EXPECT_THAT(Checked(ReportJson({})), HasSubstr(R"("window_ms":null)"));
  EXPECT_THAT(ReportJson({}), testing::EndsWith(R"("observations":null})"));
}

TEST(RuleReportTest, TellsWhichTopicHadOneKey) {
  RuleReport report;
  report.one_key = {.topics_watched = 2,
                    .topics_with_one_key = 1,
                    .at = "2026-01-31T23:59:59Z",
                    .topic = "plant/1",
                    .key = "dev-1",
                    .verdict = {16, 15}};
  EXPECT_THAT(Checked(SummaryJson(report)),
              HasSubstr(R"("last":{"at":"2026-01-31T23:59:59Z","topic":"plant/1","key":"dev-1","messages":16,)"
                        R"("of_one_key":15}})"));
}

TEST(RuleReportTest, ObservationsAreTold) {
  RuleReport report;
  report.mode = RuleMode::kObserve;
  Observations& seen = report.observations.emplace();
  seen.firsts = 7;
  seen.copies = 5;
  seen.same_payload = 2;
  seen.gap_p99_ms = 40;
  seen.keys = {{"dev-1", 4, 4, 1}};
  seen.differing = 3;
  seen.places = {{"/rssi", 3, 3, 0}};
  seen.keys_forgotten_early = 12;
  seen.reach_ms = 8000;
  const std::string text = Checked(ReportJson(report));
  EXPECT_THAT(text, HasSubstr(R"("mode":"observe")"));
  EXPECT_THAT(text, HasSubstr(R"("firsts":7,"copies":5,"same_payload":2,"other_payload":3)"));
  EXPECT_THAT(text, HasSubstr(R"("gap_ms":{"p50":0,"p99":40,"max":0})"));
  EXPECT_THAT(text, HasSubstr(R"("keys":[{"key":"dev-1","copies":4,"error":1}])"));
  EXPECT_THAT(text, HasSubstr(R"("differences":{"compared":3,"places":[{"place":"/rssi","copies":3,"error":0}]})"));
  EXPECT_THAT(text, HasSubstr(R"("memory":{"keys":0,"keys_max":0,"forgotten_early":12,"reach_ms":8000})"));
}

TEST(RuleReportTest, ASampleShowsTextAsTextAndBytesInHex) {
  RuleReport report;
  report.observations.emplace().samples = {{.at = "2026-01-31T23:59:59Z",
                                            .key = "k",
                                            .gap_ms = 5,
                                            .has_same_payload = false,
                                            .first = {"a", "c1", "{\"a\":\"\xC3\xA4\"}", 10},
                                            .copy = {"b", "", std::string("\x08\xFF\x00", 3), 3}}};
  const std::string text = Checked(ReportJson(report));
  EXPECT_THAT(text,
              HasSubstr("\"first\":{\"topic\":\"a\",\"client_id\":\"c1\",\"payload\":\"{\\\"a\\\":\\\"\xC3\xA4\\\"}\","
                        "\"payload_bytes\":10}"));
  EXPECT_THAT(text, HasSubstr(R"("copy":{"topic":"b","client_id":null,"payload_hex":"08ff00","payload_bytes":3})"));
}

TEST(RuleReportTest, ATextThatWasCutInsideACharacterIsATextStill) {
  RuleReport report;
  report.observations.emplace().samples = {{.at = "",
                                            .key = "k",
                                            .gap_ms = 5,
                                            .has_same_payload = true,
                                            .first = {"a", "c", "long\xC3", 700},
                                            .copy = {"a", "c", "whole\xC3", 6}}};
  const std::string text = Checked(ReportJson(report));
  EXPECT_THAT(text, HasSubstr(R"("payload":"long","payload_bytes":700)"));
  EXPECT_THAT(text, HasSubstr(R"("payload_hex":"77686f6c65c3","payload_bytes":6)"));
}

}  // namespace
}  // namespace dedup
