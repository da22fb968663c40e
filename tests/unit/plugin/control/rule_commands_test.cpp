#include "plugin/core/control/rule_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "plugin/core/text/json.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RuleCommandsTest : public DeduplicatorFixture {
 protected:
  void SetRules(std::string_view rules) {
    options_.rules_file = dir_ / "rules.json";
    WriteFile(options_.rules_file, "{\"rules\": [" + std::string(rules) + "]}");
  }
  Verdict Of(std::string_view topic, std::string_view payload) { return Send(MakeMessage(payload, topic)).verdict; }
  std::string Carry(std::string_view name, const std::string& members = "") {
    const std::string command = "{\"command\":\"" + std::string(name) + "\"" + members + "}";
    const auto answer = CarryOutForRules(name, command, *dedup_);
    if (!answer) return "no command about rules";
    json::Value value;
    EXPECT_TRUE(json::Reader(*answer).ReadDocument(&value)) << *answer;
    return *answer;
  }
  std::string Explain(const std::string& members) { return Carry("explain", "," + members); }

  static constexpr std::string_view kId = R"({"name": "id", "topics": ["a/#"], "key": ["/id"], "window": "10m"})";
  static constexpr std::string_view kObserve =
      R"({"name": "seen", "topics": ["a/#"], "key": ["/id"], "window": "1m", "mode": "observe"})";
};

TEST_F(RuleCommandsTest, RulesTellsWhatEachHasDone) {
  SetRules(kId);
  Start();
  Of("a/1", R"({"id":1})");
  Of("a/1", R"({"id":1})");
  Of("b", R"({"event_id":"1"})");
  EXPECT_THAT(Carry("rules"),
              AllOf(StartsWith(R"({"rules":[{"name":"id","mode":"drop","topics":["a/#"],"window_ms":600000,"since":")"),
                    HasSubstr(R"("matched":2,"keyed":2,"without_key":0,"processed":1,"duplicates":1,)"),
                    HasSubstr(R"({"name":"default","mode":"drop","topics":["#"],"window_ms":null,"since":")"),
                    HasSubstr(R"("matched":1,"keyed":1,"without_key":0,"processed":1,"duplicates":0,)")));
}

TEST_F(RuleCommandsTest, WithoutADefaultRuleItIsNotToldOf) {
  options_.rules_file = dir_ / "rules.json";
  WriteFile(options_.rules_file, R"({"rules":[],"default":false})");
  Start();
  EXPECT_EQ(Carry("rules"), R"({"rules":[]})");
}

TEST_F(RuleCommandsTest, RuleTellsTheReportOfOne) {
  SetRules(kObserve);
  Start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Of("a/1", R"({"id":1})"), kPassed) << "to observe touches nothing";
  EXPECT_THAT(Carry("rule", R"(,"name":"seen")"),
              AllOf(StartsWith(R"({"name":"seen","mode":"observe")"), HasSubstr(R"("firsts":1,"copies":1,)")));
  EXPECT_THAT(Carry("rule", R"(,"name":"default")"), HasSubstr(R"("observations":null)"));
  EXPECT_EQ(Carry("rule", R"(,"name":"other")"), R"({"error":"there is no rule with the name 'other'"})");
  for (const char* const members : {"", R"(,"name":7)", R"(,"name":"")"}) {
    EXPECT_EQ(Carry("rule", members), R"({"error":"\"name\" must be the name of a rule, a string"})");
  }
}

TEST_F(RuleCommandsTest, ReloadReadsTheFileAnew) {
  SetRules(kId);
  Start();
  Of("a/1", R"({"id":1})");
  SetRules(std::string(kId) + "," + std::string(kObserve));
  EXPECT_EQ(Carry("reloadRules"), R"({"rules":2,"warnings":[]})");
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kDuplicate);
  EXPECT_THAT(Carry("rule", R"(,"name":"id")"), HasSubstr(R"("processed":1,"duplicates":1,)")) << "counters go on";
  SetRules(R"({"name": "id"})");
  EXPECT_THAT(Carry("reloadRules"), AllOf(StartsWith(R"({"error":")"), HasSubstr("rule 'id'"), HasSubstr("topics"),
                                          HasSubstr("the rules stay as they were")));
  EXPECT_THAT(Carry("rules"), HasSubstr(R"("name":"seen")"));
}

TEST_F(RuleCommandsTest, WithoutARulesFileThereIsNothingToReload) {
  Start();
  EXPECT_THAT(Carry("reloadRules"), HasSubstr("plugin_opt_rules_file"));
}

TEST_F(RuleCommandsTest, ExplainForetellsTheVerdictAndChangesNothing) {
  SetRules(std::string(kObserve) + "," + std::string(kId));
  Start();
  const std::string message = R"("topic":"a/1","payload":{"id":1})";
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Explain(message), AllOf(StartsWith(R"({"verdict":"processed","seq":null,"rule":"id","key":"1",)"),
                                        HasSubstr(R"("is_copy":false)")));
  }
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kProcessed);
  EXPECT_THAT(Explain(message), AllOf(StartsWith(R"({"verdict":"duplicate","seq":1,"rule":"id","key":"1",)"),
                                      HasSubstr(R"("is_copy":true)")));
  EXPECT_THAT(Explain(R"("topic":"b","payload":"x")"), StartsWith(R"({"verdict":"passed","seq":null,"rule":null)"));
  EXPECT_THAT(Carry("rules"), HasSubstr(R"("matched":1,"keyed":1,)"));
  EXPECT_THAT(Explain(R"("topic":"a/#")"), HasSubstr(R"({"error":"topic must be)"));
}

TEST_F(RuleCommandsTest, AnEventInDoubtIsForetoldAsNew) {
  SetRules(kId);
  Start();
  Message message = MakeMessage(R"({"id":1})", "a/1");
  message.qos = 2;
  Send(message);
  Restart();
  EXPECT_THAT(Explain(R"("topic":"a/1","payload":{"id":1})"), StartsWith(R"({"verdict":"processed")"));
}

TEST_F(RuleCommandsTest, OtherCommandsAreNone) {
  Start();
  EXPECT_EQ(Carry("top"), "no command about rules");
}

}  // namespace
}  // namespace dedup
