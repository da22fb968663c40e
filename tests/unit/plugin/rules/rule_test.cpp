#include "plugin/core/rules/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dedup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Part Parse(std::string_view text) {
  std::string problem;
  const auto part = ParsePart(text, &problem);
  EXPECT_TRUE(part) << text << ": " << problem;
  EXPECT_EQ(problem, "");
  return part.value_or(Part{});
}

std::string ProblemOf(std::string_view text) {
  std::string problem;
  EXPECT_FALSE(ParsePart(text, &problem)) << text;
  return problem;
}

TEST(RuleTest, APartNamesItsSources) {
  EXPECT_EQ(Parse("/id").sources.front().kind, Source::Kind::kPointer);
  EXPECT_THAT(Parse("/a~1b/0").sources.front().pointer, ElementsAre("a/b", "0"));
  EXPECT_EQ(Parse("property:ce id").sources.front().property, "ce id");
  EXPECT_THAT(Parse("pb:1.6").sources.front().fields, ElementsAre(1U, 6U));
  EXPECT_THAT(Parse("pb:536870911").sources.front().fields, ElementsAre(536870911U));
  EXPECT_EQ(Parse("payload").sources.front().kind, Source::Kind::kPayload);
  EXPECT_EQ(Parse("client").sources.front().kind, Source::Kind::kClient);
  EXPECT_EQ(Parse("username").sources.front().kind, Source::Kind::kUsername);
  const Part part = Parse("?property:id|/id|pb:1.6|client");
  EXPECT_TRUE(part.optional);
  EXPECT_EQ(part.sources.size(), 4U);
}

TEST(RuleTest, APartIsToldAsItWasWritten) {
  for (const std::string_view text :
       {"/id", "?/id", "property:source|/source", "?pb:1.2.3|/|payload", "/a~0~1b//0", "username|client"}) {
    EXPECT_EQ(TextOf(Parse(text)), text);
  }
}

TEST(RuleTest, AMalformedPartIsToldWithWhatIsExpected) {
  const std::pair<std::string, const char*> kTable[] = {
      {"", "is empty; expected a JSON Pointer"},
      {"?", "is empty"},
      {"|", "is empty"},
      {"/a|", "is empty"},
      {"|/a", "is empty"},
      {"id", "unknown part 'id'; expected a JSON Pointer such as /id"},
      {"a.b", "unknown part 'a.b'"},
      {"Payload", "unknown part"},
      {" /id", "unknown part"},
      {"property", "unknown part"},
      {"/a|?/b", "'?' stands once, before the first alternative"},
      {"?\?/a", "'?' stands once"},
      {"/a~2", "'/a~2' is no JSON Pointer: ~ stands only in ~0 (for ~) and ~1 (for /)"},
      {"/" + std::string(1024, 'x'), "is too long: a pointer has at most 1024 bytes and 32 steps"},
      {std::string(33, '/'), "is too long"},
      {"property:", "the name of a user property has 1 to 256 bytes"},
      {"property:" + std::string(257, 'x'), "the name of a user property has 1 to 256 bytes"},
      {"pb:", "expected protobuf field numbers"},
      {"pb:0", "expected protobuf field numbers"},
      {"pb:01", "expected protobuf field numbers"},
      {"pb:1.", "expected protobuf field numbers"},
      {"pb:.1", "expected protobuf field numbers"},
      {"pb:1,6", "expected protobuf field numbers"},
      {"pb:-1", "expected protobuf field numbers"},
      {"pb:1.x", "expected protobuf field numbers"},
      {"pb:536870912", "each from 1 to 536870911"},
      {"pb:99999999999", "each from 1 to 536870911"},
      {"pb:1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", "at most 16 of them"},
      {"/a|/a", "'/a' stands twice in '/a|/a'"},
      {"/1|/2|/3|/4|/5|/6|/7|/8|/9", "more than 8 alternatives"},
  };
  for (const auto& [text, problem] : kTable) EXPECT_THAT(ProblemOf(text), HasSubstr(problem)) << text;
}

Rule MakeRule(std::vector<std::string_view> key) {
  Rule rule;
  rule.name = "r";
  for (const std::string_view part : key) rule.key.push_back(Parse(part));
  return rule;
}

TEST(RuleTest, KeepsItsKeysAsLongAsWhatTheyAreMadeOfStaysTheSame) {
  const Rule rule = MakeRule({"/a", "?/b|client"});
  Rule other = rule;
  other.topics = {"x"};
  other.window = kForever;
  other.mode = RuleMode::kObserve;
  other.store = RuleStore::kId;
  EXPECT_TRUE(ShareKeys(rule, other));

  other.name = "s";
  EXPECT_FALSE(ShareKeys(rule, other));
  for (const auto& key : std::vector<std::vector<std::string_view>>{
           {}, {"/a"}, {"/a", "/b|client"}, {"/a", "?client|/b"}, {"?/b|client", "/a"}, {"/a", "?/b", "client"}}) {
    EXPECT_FALSE(ShareKeys(rule, MakeRule(key)));
  }
  other = rule;
  other.ignores_all_levels = true;
  EXPECT_FALSE(ShareKeys(rule, other));
  other = rule;
  other.ignored_levels = {-1};
  EXPECT_FALSE(ShareKeys(rule, other));
  other = rule;
  other.ignored_members = {{"a"}};
  EXPECT_FALSE(ShareKeys(rule, other));
}

// No definition is the text of another, whatever the names in it are.
TEST(RuleTest, DefinitionsAreToldApart) {
  EXPECT_NE(DefinitionOf(MakeRule({"/a", "/b"})), DefinitionOf(MakeRule({"/a/b"})));
  EXPECT_NE(DefinitionOf(MakeRule({"/a2:/b"})), DefinitionOf(MakeRule({"/a", "/b"})));
  Rule ignoring = MakeRule({"payload"});
  ignoring.ignored_members = {{"a"}, {"b"}};
  Rule ignoring_one = ignoring;
  ignoring_one.ignored_members = {{"a2:", "b"}};
  EXPECT_NE(DefinitionOf(ignoring), DefinitionOf(ignoring_one));
}

TEST(RuleTest, AlwaysMakesAKeyOfPartsThatAreAlwaysThere) {
  EXPECT_TRUE(MakeRule({}).AlwaysMakesKey());
  EXPECT_TRUE(MakeRule({"client"}).AlwaysMakesKey());
  EXPECT_TRUE(MakeRule({"payload", "?/a"}).AlwaysMakesKey());
  EXPECT_TRUE(MakeRule({"/a|client"}).AlwaysMakesKey());
  EXPECT_FALSE(MakeRule({"/a"}).AlwaysMakesKey());
  EXPECT_FALSE(MakeRule({"client", "username"}).AlwaysMakesKey());
  EXPECT_FALSE(MakeRule({"property:a|pb:1"}).AlwaysMakesKey());
  Rule json_only = MakeRule({"payload"});
  json_only.ignored_members = {{"a"}};
  EXPECT_FALSE(json_only.AlwaysMakesKey());
}

}  // namespace
}  // namespace dedup
