#include "plugin/core/rules/rules_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

RulesFile Parse(const std::string& text) { return ParseRules(text, {}); }
RulesFile ParseRule(const std::string& members) { return Parse("{\"rules\":[{" + members + "}]}"); }

Rule Good(const std::string& members) {
  const RulesFile file = ParseRule(members);
  EXPECT_THAT(file.errors, IsEmpty()) << members;
  return file.rules && file.rules->rules.size() == 1 ? file.rules->rules.front() : Rule{};
}

// The one error that there is.
std::string ErrorOf(const RulesFile& file) {
  EXPECT_FALSE(file.rules);
  EXPECT_THAT(file.errors, SizeIs(1));
  return file.errors.empty() ? "" : file.errors.front();
}

// The file that the design shows.
TEST(RulesFileTest, ReadsARuleOfEveryKind) {
  const RulesFile file = Parse(R"({"rules": [
 {"name": "wis2",    "topics": ["origin/a/wis2/#"],   "key": ["/id"], "window": "15m"},
 {"name": "mesh",    "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from|pb:1.1", "/id|pb:1.6"], "window": "10m"},
 {"name": "ble",     "topics": ["home/+/BTtoMQTT/+"], "ignore_levels": [2], "key": ["payload"], "ignore": ["/rssi", "/distance"], "window": "30s"},
 {"name": "devices", "topics": ["v1/devices/me/telemetry"], "key": ["client", "payload"], "window": "10m", "store": "id"},
 {"name": "ce",      "topics": ["doors/#"], "ignore_levels": "all", "key": ["property:source|/source", "property:id|/id"], "window": "24h"},
 {"name": "buttons", "topics": ["zigbee2mqtt/+"], "key": ["/action", "payload"], "ignore": ["/linkquality"], "window": "1s", "mode": "observe"}]}
)");
  EXPECT_THAT(file.errors, IsEmpty());
  EXPECT_THAT(file.warnings, IsEmpty());
  ASSERT_TRUE(file.rules);
  const auto& rules = file.rules->rules;
  ASSERT_EQ(rules.size(), 6U);
  EXPECT_EQ(rules[0].name, "wis2");
  EXPECT_THAT(rules[0].topics, ElementsAre("origin/a/wis2/#"));
  EXPECT_EQ(rules[0].window, 15min);
  EXPECT_EQ(rules[0].mode, RuleMode::kDrop);
  EXPECT_EQ(rules[0].store, RuleStore::kEvent);
  EXPECT_EQ(TextOf(rules[1].key[1]), "/id|pb:1.6");
  EXPECT_THAT(rules[1].ignored_levels, ElementsAre(-1));
  EXPECT_THAT(rules[2].ignored_members, ElementsAre(JsonPointer{"distance"}, JsonPointer{"rssi"}));
  EXPECT_EQ(rules[3].store, RuleStore::kId);
  EXPECT_TRUE(rules[4].ignores_all_levels);
  EXPECT_EQ(rules[5].mode, RuleMode::kObserve);
  EXPECT_TRUE(file.rules->default_rule);
}

TEST(RulesFileTest, TheDefaultRuleIsThatOfTheOptionsUnlessTheFileSaysFalse) {
  const DefaultRule options = {.topics = {"a/#"}, .id_property = "p", .id_member = "m"};
  EXPECT_EQ(ParseRules(R"({"rules":[]})", options).rules->default_rule->id_member, "m");
  EXPECT_EQ(ParseRules(R"({"rules":[],"default":true})", options).rules->default_rule->topics, options.topics);
  EXPECT_FALSE(ParseRules(R"({"default":false,"rules":[]})", options).rules->default_rule);
}

TEST(RulesFileTest, ReadsWhatIsUnusualButRight) {
  const std::string base = R"("name":"A-z_09","topics":["a"],"key":[])";
  EXPECT_EQ(Good(base).name, "A-z_09");
  EXPECT_EQ(Good(base).window, std::nullopt);
  EXPECT_EQ(Good(base + R"(,"window":"forever")").window, kForever);
  EXPECT_EQ(Good(base + R"(,"window":"100ms","mode":"drop","store":"event")").window, 100ms);
  EXPECT_EQ(Good(base + R"(,"window":"36500d")").window, 36500 * 24h);
  EXPECT_EQ(Good(R"("name":"\u0061","topics":["\u00e4/#"],"key":["/\u00e4"])").name, "a");
  EXPECT_THAT(Good(R"("name":"a","topics":["+/b"],"key":[],"ignore_levels":[-2, 1])").ignored_levels,
              ElementsAre(-2, 1));
  EXPECT_TRUE(Parse("\xEF\xBB\xBF{\"rules\":[]}\r\n").rules);
}

TEST(RulesFileTest, WhatIsNoJsonIsToldWithItsPlace) {
  const std::pair<std::string, const char*> kTable[] = {
      {"", "line 1, column 1: this is no JSON: expected a value"},
      {"{\n  \"rules\": [\n    {,}\n]}", "line 3, column 6: this is no JSON: expected a string"},
      {"{\"rules\":[]}\n// done", "line 2, column 1: this is no JSON: something follows the end of the document"},
      {"{\"rules\":[],}", "line 1, column 13: this is no JSON"},
      {"{\"rules\":[\"\xFF\"]}", "line 1, column 12: this is no JSON: invalid UTF-8 inside a string"},
      {"{\"rules\":\n[\"a\\u0000\"]}", "line 2, column 4: a NUL character"},
      {std::string(1020, '[') + std::string(1020, ']'), "nested too deeply"},
      {std::string(2000, '['), "nested too deeply"},
  };
  for (const auto& [text, error] : kTable) EXPECT_THAT(ErrorOf(Parse(text)), HasSubstr(error)) << text;
}

TEST(RulesFileTest, AFileThatIsNotASetOfRulesIsRefused) {
  const std::pair<const char*, const char*> kTable[] = {
      {"[]", "the file is an array; expected an object: {\"rules\": […]}"},
      {"{}", "\"rules\" is missing; expected an array of rules"},
      {R"({"rules":{}})", "\"rules\" is an object; expected an array of rules"},
      {R"({"rules":[],"default":1})", "\"default\" is a number; expected true or false"},
      {R"({"rules":[],"rule":[]})", "unknown member 'rule'; the file's members are \"rules\" and \"default\""},
      {R"({"rules":[],"Rules":[]})", "unknown member 'Rules'"},
      {R"({"rules":[],"rules":[]})", "\"rules\" stands there twice"},
      {"{\"rules\":[\n7]}", "line 2: rule 1: it is a number; expected an object with name, topics, key and window"},
  };
  for (const auto& [text, error] : kTable) EXPECT_THAT(ErrorOf(Parse(text)), HasSubstr(error)) << text;
}

TEST(RulesFileTest, AMemberThatIsWrongIsToldWithRuleMemberAndWhatIsExpected) {
  const std::string key = R"("key":["/id"])";
  const std::string topics = R"("topics":["home/+/x"])";
  const std::string base = topics + "," + key;
  const std::string payload = topics + R"(,"window":"1s","key":["payload"])";
  const struct {
    std::string members;
    std::vector<const char*> told;
  } kTable[] = {
      // name
      {base, {"rule 1, \"name\": it is missing; expected a name of 1 to 32 of the characters"}},
      {R"("name":7,)" + base,
       {"rule 1, \"name\": a number cannot be used", "1 to 32 of the characters A-Z a-z 0-9 _ -"}},
      {R"("name":"",)" + base, {"'' is no name"}},
      {R"("name":"a b",)" + base, {"'a b' is no name"}},
      {R"("name":"ä",)" + base, {"'ä' is no name"}},
      {R"("name":"123456789012345678901234567890123",)" + base, {"is no name"}},
      {R"("name":"default",)" + base, {"'default' is the name of the rule that the plugin's options make"}},
      // topics
      {R"("name":"r",)" + key, {"rule 'r', \"topics\": it is missing; expected an array of MQTT topic filters"}},
      {R"("name":"r","topics":"a",)" + key,
       {"\"topics\": a string cannot be used; expected an array of MQTT topic filters"}},
      {R"("name":"r","topics":[],)" + key, {"\"topics\": it is empty"}},
      {R"("name":"r","topics":[1],)" + key, {"\"topics\": a number cannot be used"}},
      {R"("name":"r","topics":["a/#/b"],)" + key, {"'a/#/b' is no MQTT topic filter", "home/#"}},
      {R"("name":"r","topics":[""],)" + key, {"'' is no MQTT topic filter"}},
      {R"("name":"r","topics":["a+"],)" + key, {"'a+' is no MQTT topic filter"}},
      {R"("name":"r","topics":["$SYS/#"],)" + key, {"'$SYS/#' can never match", "does not begin with $"}},
      {R"("name":"r","topics":["$share/g/a"],)" + key, {"can never match", "without $share and the group"}},
      {R"("name":"r","topics":["a","a"],)" + key, {"'a' stands there twice"}},
      // key
      {R"("name":"r",)" + topics, {"\"key\": it is missing; expected an array of parts"}},
      {R"("name":"r","key":"/id",)" + topics, {"\"key\": a string cannot be used; expected an array of parts"}},
      {R"("name":"r","key":[1],)" + topics, {"\"key\": a number cannot be used"}},
      {R"("name":"r","key":["id"],)" + topics, {"\"key\": unknown part 'id'; expected a JSON Pointer such as /id"}},
      {R"("name":"r","key":["/id","/id"],)" + topics, {"'/id' stands there twice"}},
      {R"("name":"r","key":["client|/id"],)" + topics,
       {"client is always there, so what stands behind it is never used"}},
      {R"("name":"r","key":["?/a"],"ignore_levels":"all",)" + topics, {"all messages could be one event"}},
      {R"("name":"r","key":[],"ignore_levels":"all",)" + topics, {"\"key\"", "all messages could be one event"}},
      {R"("name":"r","window":"1s","key":["payload|/a"],)" + topics, {"payload is always there"}},
      {R"("name":"r","window":"1s","key":["?/a|payload"],)" + topics, {"payload cannot be optional"}},
      // ignore_levels
      {R"("name":"r","ignore_levels":2,)" + base, {"\"ignore_levels\": a number cannot be used; expected \"all\", or"}},
      {R"("name":"r","ignore_levels":"none",)" + base, {"'none' cannot be used"}},
      {R"("name":"r","ignore_levels":[],)" + base, {"an empty array cannot be used"}},
      {R"("name":"r","ignore_levels":[0],)" + base, {"the number cannot be used", "1, 2 … from the front"}},
      {R"("name":"r","ignore_levels":[1.5],)" + base, {"the number cannot be used"}},
      {R"("name":"r","ignore_levels":[201],)" + base, {"the number cannot be used", "±200"}},
      {R"("name":"r","ignore_levels":[1e300],)" + base, {"the number cannot be used"}},
      {R"("name":"r","ignore_levels":["2"],)" + base, {"a string cannot be used"}},
      {R"("name":"r","ignore_levels":[2,2],)" + base, {"2 stands there twice"}},
      {R"("name":"r","ignore_levels":[4],)" + base, {"no topic of the rule has a level 4"}},
      {R"("name":"r","ignore_levels":[-4],)" + base, {"no topic of the rule has a level -4"}},
      // ignore
      {R"("name":"r","ignore":["/a"],)" + base,
       {"\"ignore\": it has no effect, because payload is no part of the key"}},
      {R"("name":"r","ignore":"/a",)" + payload,
       {"\"ignore\": a string cannot be used; expected an array of JSON Pointers"}},
      {R"("name":"r","ignore":[],)" + payload, {"\"ignore\": it is empty"}},
      {R"("name":"r","ignore":["rssi"],)" + payload,
       {"'rssi' is no JSON Pointer to a member; expected / before each name"}},
      {R"("name":"r","ignore":[""],)" + payload, {"'' is no JSON Pointer to a member"}},
      {R"("name":"r","ignore":["/a~"],)" + payload, {"'/a~' is no JSON Pointer"}},
      {R"("name":"r","ignore":["/a","/a"],)" + payload, {"'/a' stands there twice"}},
      {R"("name":"r","ignore":["/a","/a/b"],)" + payload, {"'/a/b' has no effect, because '/a' leaves it out already"}},
      {R"("name":"r","ignore":["/)" + std::string(1024, 'x') + "\"]," + payload, {"is too long", "1024 bytes"}},
      // window
      {R"("name":"r","key":["payload"],)" + topics, {"\"window\": it is missing; where payload is a part of the key"}},
      {R"("name":"r","window":60,)" + base, {"\"window\": a number cannot be used; expected a duration from 100ms"}},
      {R"("name":"r","window":"5 m",)" + base, {"'5 m' is no duration; expected a duration from 100ms to 36500d"}},
      {R"("name":"r","window":"36501d",)" + base, {"is no duration"}},
      {R"("name":"r","window":"99ms",)" + base, {"'99ms' is too short; expected a duration from 100ms"}},
      {R"("name":"r","window":"0",)" + base, {"'0' is too short"}},
      {R"("name":"r","topics":["#"],"window":"1s","key":["payload"])", {"\"topics\": '#' matches every topic"}},
      {R"("name":"r","topics":["a","+/+/#"],"window":"1s","key":["/id|payload"])", {"'+/+/#' matches every topic"}},
      // mode, store, and what there is not
      {R"("name":"r","mode":"dry",)" + base, {"\"mode\": 'dry' is unknown; expected \"drop\" or \"observe\""}},
      {R"("name":"r","mode":true,)" + base, {"\"mode\": true cannot be used; expected \"drop\" or \"observe\""}},
      {R"("name":"r","store":"none",)" + base, {"\"store\": 'none' is unknown; expected \"event\" or \"id\""}},
      {R"("name":"r","windw":"1s",)" + base,
       {"rule 'r': unknown member 'windw'; a rule's members are name, topics, key, ignore_levels, ignore, window, "
        "mode, "
        "store"}},
      {R"("name":"r","mode":"drop","mode":"drop",)" + base, {"rule 'r', \"mode\": it stands there twice"}},
      {R"("name":"r","name":"r",)" + base, {"\"name\": it stands there twice"}},
  };
  for (const auto& [members, told] : kTable) {
    const std::string error = ErrorOf(ParseRule(members));
    for (const char* const words : told) EXPECT_THAT(error, HasSubstr(words)) << members;
    EXPECT_THAT(error, StartsWith("line 1: rule "));
  }
}

TEST(RulesFileTest, AnErrorHasTheLineOfItsMember) {
  const RulesFile file = Parse(R"({
  "rules": [
    {"name": "a", "topics": ["a"], "key": ["/id"]},
    {
      "name": "b",
      "topics": ["a/#/"],

      "window": "soon",
      "kee": []
    }
  ],
  "default": true
})");
  EXPECT_THAT(file.errors,
              ElementsAre(StartsWith("line 6: rule 'b', \"topics\""), StartsWith("line 8: rule 'b', \"window\""),
                          StartsWith("line 9: rule 'b': unknown member 'kee'"),
                          StartsWith("line 4: rule 'b', \"key\": it is missing")));
}

TEST(RulesFileTest, ANameIsTakenOnce) {
  EXPECT_EQ(
      ErrorOf(Parse(R"({"rules":[{"name":"a","topics":["a"],"key":[]},
{"name":"b","topics":["a"],"key":[]},
{"name":"a","topics":["b"],"key":[]}]})")),
      "line 3: rule 'a', \"name\": rule 1 has that name already; expected one of its own, for it keeps the rules' ids "
      "apart");
}

std::string RuleText(std::size_t i, const std::string& more = "") {
  const std::string n = std::to_string(i);
  return std::string(i == 0 ? "" : ",") + R"({"name":"r)" + n + R"(","topics":["t)" + n + R"("],"key":["/id"])" + more +
         "}";
}

TEST(RulesFileTest, LimitsAreTold) {
  const auto repeat = [](std::size_t count, auto text_of) {
    std::string texts;
    for (std::size_t i = 0; i < count; ++i) texts += text_of(i);
    return texts;
  };
  const auto rules = [&](std::size_t count) {
    return Parse("{\"rules\":[" + repeat(count, [](std::size_t i) { return RuleText(i); }) + "]}");
  };
  EXPECT_EQ(rules(1000).rules->rules.size(), 1000U);
  EXPECT_EQ(ErrorOf(rules(1001)), "there are 1001 rules; there may be 1000 at most");
  EXPECT_EQ(ErrorOf(rules(10'000)), "there are 10000 rules; there may be 1000 at most");

  const auto windows = [&](std::size_t count) {
    return Parse(
        "{\"rules\":[" +
        repeat(count, [](std::size_t i) { return RuleText(i, ",\"window\":\"" + std::to_string(i + 1) + "s\""); }) +
        "]}");
  };
  EXPECT_TRUE(windows(31).rules);
  EXPECT_EQ(ErrorOf(windows(32)), "the rules have 32 different windows; there may be 31 at most");

  const auto texts = [&](std::size_t count, const std::string& prefix) {
    return repeat(count, [&](std::size_t i) { return (i == 0 ? "\"" : ",\"") + prefix + std::to_string(i) + "\""; });
  };
  Good(R"("name":"r","topics":[)" + texts(64, "t") + R"(],"key":[)" + texts(16, "/") + "]");
  EXPECT_THAT(ErrorOf(ParseRule(R"("name":"r","key":[],"topics":[)" + texts(65, "t") + "]")),
              HasSubstr("64 of them at most"));
  EXPECT_THAT(ErrorOf(ParseRule(R"("name":"r","topics":["a"],"key":[)" + texts(17, "/") + "]")),
              HasSubstr("16 of them at most"));
  const std::string payload = R"("name":"r","topics":["a"],"window":"1s","key":["payload"],)";
  Good(payload + "\"ignore\":[" + texts(64, "/") + "]");
  EXPECT_THAT(ErrorOf(ParseRule(payload + "\"ignore\":[" + texts(65, "/") + "]")), HasSubstr("64 of them at most"));
  const auto levels = [&](std::size_t count) {
    return ParseRule(R"("name":"r","topics":["a/#"],"key":[],"ignore_levels":[)" +
                     repeat(count, [](std::size_t i) { return (i == 0 ? "" : ",") + std::to_string(i + 1); }) + "]");
  };
  EXPECT_TRUE(levels(32).rules);
  EXPECT_THAT(ErrorOf(levels(33)), HasSubstr("32 of them at most"));
}

TEST(RulesFileTest, OfManyErrorsTheFirstAreTold) {
  std::string rules;
  for (std::size_t i = 0; i < 100; ++i) rules += RuleText(i, ",\"mode\":\"x\"");
  const RulesFile file = Parse("{\"rules\":[" + rules + "]}");
  EXPECT_FALSE(file.rules);
  EXPECT_THAT(file.errors, SizeIs(21));
  EXPECT_EQ(file.errors.back(), "and 80 more");
}

TEST(RulesFileTest, WhatIsRepeatedFromTheFileStaysOnOneLine) {
  const std::string error =
      ErrorOf(ParseRule(R"("name":"a\nb\u007f)" + std::string(1000, 'x') + R"(","topics":["a"],"key":[])"));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_LT(error.size(), 300U);
  EXPECT_THAT(error, HasSubstr("'a?b?xxx"));
}

TEST(RulesFileTest, WarnsOfWhatWorksOtherwiseThanItSeems) {
  const auto warnings = [](const std::string& rules) {
    const RulesFile file = Parse("{\"rules\":[" + rules + "]}");
    EXPECT_THAT(file.errors, IsEmpty());
    return file.warnings;
  };
  EXPECT_THAT(
      warnings(R"({"name":"a","topics":["home/+/x"],"key":["/id"],"ignore_levels":[1]})"),
      ElementsAre("line 1: rule 'a', \"ignore_levels\": level 1 has no effect: it is 'home' in all topics of the rule "
                  "(1 is the first level, -1 the last)"));
  EXPECT_THAT(warnings(R"({"name":"a","topics":["home/+/x","y/#"],"key":["/id"],"ignore_levels":[1,2,-1]})"),
              IsEmpty());
  EXPECT_THAT(warnings(R"({"name":"a","topics":["a/#"],"key":["payload"],"window":"1s"},)"
                       R"({"name":"b","topics":["a/b"],"key":["/id"]})"),
              ElementsAre(HasSubstr("rule 'b' can never be reached")));
}

TEST(RulesFileTest, WarnsOfAKeyThatDoesNotTellEventsApart) {
  const auto warnings = [](const std::string& key) {
    const RulesFile file = Parse(R"({"rules":[{"name":"a","topics":["a/+"],"window":"1s","key":[)" + key + "]}]}");
    EXPECT_THAT(file.errors, IsEmpty());
    return file.warnings;
  };
  for (const char* const key :
       {R"("?/id")", R"("?/id","?property:id")", R"("username")", R"("username|client","?/id")"}) {
    EXPECT_THAT(warnings(key), ElementsAre(HasSubstr("rule 'a', \"key\": each part may be missing or names the")));
  }
  for (const char* const key : {R"("?/rev","/id")", R"("client","payload")", R"("/id|client")", ""}) {
    EXPECT_THAT(warnings(key), IsEmpty()) << key;
  }
}

TEST(RulesFileTest, ReadsAFile) {
  const TempDir dir;
  const std::filesystem::path path = dir.path() / "rules.json";
  const auto error = [](const std::filesystem::path& file) { return ErrorOf(ReadRulesFile(file, {})); };
  EXPECT_EQ(error(path), "open " + path.string() + ": No such file or directory");
  EXPECT_EQ(error(dir.path()), "open " + dir.path().string() + ": it is no regular file");
  const std::filesystem::path fifo = dir.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(error(fifo), "open " + fifo.string() + ": it is no regular file");

  std::ofstream(path) << "{\"rules\":[" + RuleText(0) + "]}\n";
  EXPECT_EQ(ReadRulesFile(path, {}).rules->rules.front().name, "r0");
  std::ofstream(path) << "";
  EXPECT_THAT(error(path), HasSubstr("line 1, column 1: this is no JSON"));
  std::ofstream(path) << std::string(kRulesFileBytesMax + 1, ' ');
  EXPECT_EQ(error(path), "read " + path.string() + ": a rules file has 8 MiB at most");
}

}  // namespace
}  // namespace dedup
