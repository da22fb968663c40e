#include "http_sidecar/events/event_csv.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace dedup::sidecar {
namespace {

std::string Row(std::string_view topic, std::string_view event_id, std::string_view payload,
                std::string_view rule = {}) {
  std::string text;
  AppendEventCsv({.seq = 7,
                  .received_us = 1709210096000789,
                  .topic = topic,
                  .event_id = event_id,
                  .rule = rule,
                  .payload = payload},
                 &text);
  return text;
}

constexpr char kStart[] = "7,2024-02-29T12:34:56.000789Z,";

TEST(EventCsvTest, StringsAreBareAndOtherValuesAreJson) {
  EXPECT_EQ(Row("t/1", "A", R"({"event_id":"A","timestamp":"2024-01-01","source":"s\/1","payload":1.50})"),
            std::string(kStart) + "t/1,A,2024-01-01,s/1,1.50,,,,\r\n");
  EXPECT_EQ(Row("t", "a", R"({"source":null,"payload":true})"), std::string(kStart) + "t,a,,,true,,,,\r\n");
}

TEST(EventCsvTest, WhatWouldEndAFieldIsQuoted) {
  EXPECT_EQ(Row("t,1", "a\"b", R"({"source":"x\ny","payload":{"a":[1,2]}})"),
            std::string(kStart) + "\"t,1\",\"a\"\"b\",,\"x\ny\",\"{\"\"a\"\":[1,2]}\",,,,\r\n");
}

TEST(EventCsvTest, NoTextIsAFormula) {
  EXPECT_EQ(Row("=t", "+1", R"({"timestamp":"@a","source":"-2","payload":"\t=1"})"),
            std::string(kStart) + "'=t,'+1,'@a,'-2,'\t=1,,,,\r\n");
  EXPECT_EQ(Row("t=", "a", R"({"source":"","payload":-2.5})"), std::string(kStart) + "t=,a,,,-2.5,,,,\r\n");
}

TEST(EventCsvTest, WhatIsNoJsonIsBase64) {
  EXPECT_EQ(Row("t", "a", "[1]"), std::string(kStart) + "t,a,,,[1],,,,\r\n");
  EXPECT_EQ(Row("t", "a", R"({"source":"x")"), std::string(kStart) + "t,a,,,,eyJzb3VyY2UiOiJ4Ig==,,,\r\n");
}

TEST(EventCsvTest, AMessage) {
  EXPECT_EQ(Row("t", "a", R"({"payload":1,"v":2})"),
            std::string(kStart) + R"(t,a,,,1,,"{""payload"":1,""v"":2}",,)" + "\r\n");
}

TEST(EventCsvTest, ARuleAndItsKeyStandLast) {
  EXPECT_EQ(Row("t", "1|7", R"({"from":1,"id":7})", "mesh"),
            std::string(kStart) + R"(t,,,,"{""from"":1,""id"":7}",,,mesh,1|7)" + "\r\n");
  EXPECT_EQ(Row("t", "=1", R"({"event_id":"a","payload":1})", "-m"), std::string(kStart) + "t,a,,,1,,,'-m,'=1\r\n");
}

}  // namespace
}  // namespace dedup::sidecar
