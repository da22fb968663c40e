#include "command/report/rule_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/core/rules/rules_file.h"

namespace dedup::command {
namespace {

std::string LineOf(const std::string& rule) {
  const RulesFile file = ParseRules("{\"rules\":[" + rule + "]}", DefaultRule{});
  EXPECT_THAT(file.errors, testing::IsEmpty());
  return file.rules ? RuleLine(file.rules->rules.front()) : "";
}

TEST(RuleLineTest, SaysAllThatTheRuleSays) {
  EXPECT_EQ(LineOf(R"({"name":"wis2","topics":["origin/a/wis2/#"],"key":["/id"],"window":"15m"})"),
            "wis2: origin/a/wis2/#; key /id; window 15m; drops");
  EXPECT_EQ(
      LineOf(R"({"name":"ble","topics":["home/+/ble/+","old/+/ble/+"],"ignore_levels":[2,-1],)"
             R"("key":["client","payload"],"ignore":["/rssi","/a/b"],"window":"1500ms","mode":"observe"})"),
      "ble: home/+/ble/+, old/+/ble/+ without levels -1, 2; key client, payload without /a/b, /rssi; window 1500ms; "
      "observes");
  EXPECT_EQ(
      LineOf(R"({"name":"a","topics":["a/#"],"ignore_levels":"all","key":["pb:1.6|/id","?/b"],"window":"forever",)"
             R"("store":"id"})"),
      "a: a/#, whichever it is; key pb:1.6|/id, ?/b; window forever; stores no payload; drops");
}

TEST(RuleLineTest, NoPartsAndNoWindow) {
  EXPECT_EQ(LineOf(R"({"name":"a","topics":["a/+"],"key":[]})"),
            "a: a/+; key the topic alone; the plugin's window; drops");
}

TEST(RuleLineTest, WindowsAreInTheLargestUnitThatIsWhole) {
  for (const char* window : {"100ms", "59s", "90m", "25h", "2d"}) {
    EXPECT_THAT(LineOf(std::string(R"({"name":"a","topics":["a/+"],"key":["/id"],"window":")") + window + "\"}"),
                testing::HasSubstr(std::string("window ") + window + ";"));
  }
}

TEST(RuleLineTest, TheOneOfThePluginsOptionsIsNamedSo) {
  EXPECT_THAT(RuleLine(DefaultRule{{"a/#"}, "p", "m/n"}), testing::StartsWith("default: a/#; key property:p|/m~1n; "));
}

}  // namespace
}  // namespace dedup::command
