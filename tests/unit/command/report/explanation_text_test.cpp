#include "command/report/explanation_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/core/rules/rules_file.h"

namespace dedup::command {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Each;
using testing::EndsWith;
using testing::Eq;
using testing::HasSubstr;
using testing::Lt;
using testing::Not;

std::string Explained(std::string_view topic, std::string_view payload) {
  RulesFile file =
      ParseRules(R"({"rules":[{"name":"watch","topics":["a/+"],"key":["/kind","property:id|/id"],"mode":"observe"},)"
                 R"({"name":"drop","topics":["a/+"],"key":["/id"]}]})",
                 DefaultRule{});
  KeyFinder finder(*std::move(file.rules), HashSecret{});
  return ExplanationText(Explain(finder, {topic, payload, {}, {}, {}}), finder.rules());
}

TEST(ExplanationTextTest, WhatEachRuleFoundAndWhichDecides) {
  EXPECT_EQ(Explained("a/b", R"({"kind":"x","id":7})"),
            "watch: a/+; key /kind, property:id|/id; the plugin's window; observes\n"
            "   /kind            string x\n"
            "   property:id|/id  number 7, from /id\n"
            "   topic as far as it counts: a/b\n"
            "   key: x|7\n"
            "drop: a/+; key /id; the plugin's window; drops\n"
            "   /id  number 7\n"
            "   topic as far as it counts: a/b\n"
            "   key: 7\n"
            "Decides: drop\n"
            "Observes: watch\n");
}

TEST(ExplanationTextTest, WhatIsMissing) {
  EXPECT_THAT(Explained("a/b", R"({"kind":"x"})"),
              AllOf(HasSubstr("   /id  missing\n   no key: /id is missing\n"),
                    EndsWith("Decides: none; the message passes untouched\n"), Not(HasSubstr("Observes"))));
}

TEST(ExplanationTextTest, APayloadThatIsNoJson) {
  EXPECT_THAT(Explained("a/b", "{"), HasSubstr("\nNote: the payload is no JSON: "));
}

TEST(ExplanationTextTest, NothingOfAMessageIsObeyedByATerminal) {
  const std::string text = Explained("a/\033]0;b\a", R"({"kind":"\u001b[2J","id":"\u009b2J\r"})");
  EXPECT_THAT(text, HasSubstr("topic as far as it counts: a/.]0;b.\n"));
  EXPECT_THAT(text, Each(AnyOf(Eq('\n'), Not(Lt(' ')))));
}

TEST(ExplanationTextTest, ATopicWithoutARule) {
  EXPECT_EQ(Explained("$SYS/a", ""), "No rule has this topic.\nDecides: none; the message passes untouched\n");
}

}  // namespace
}  // namespace dedup::command
