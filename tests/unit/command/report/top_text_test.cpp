#include "command/report/top_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace dedup::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::uint64_t& Of(RuleFigures& rule, std::string_view figure) {
  std::size_t i = 0;
  while (kRuleFigures[i].name != figure) ++i;
  return rule.values.at(i);
}

void Set(PluginFigures& figures, std::string_view figure, std::uint64_t value) {
  for (std::size_t i = 0; i < std::size(kFigures); ++i) {
    if (kFigures[i].name == figure) figures.values->at(i) = value;
  }
}

class TopTextTest : public testing::Test {
 protected:
  TopTextTest() {
    before_.values.emplace();
    Set(before_, "journal_size_bytes", 1000);
    before_.rules.resize(2);
    before_.rules[0].name = "ble";
    before_.rules[1].name = "mesh";
    before_.rules[1].observes = true;
    before_.top_since = "then";
    before_.topics = {{"a", 100, 50, 0}, {"b", 100, 60, 7}, {"quiet", 9, 0, 0}};
    before_.clients = {{"gateway", 0, 50, 0}};
    now_ = before_;
  }

  std::string Screen(std::size_t lines = 40, std::size_t columns = 200) {
    return TopScreen({before_, now_, 2.0}, lines, columns);
  }
  std::string Line() { return TopLine({before_, now_, 2.0}); }

  PluginFigures before_;
  PluginFigures now_;
};

TEST_F(TopTextTest, RatesAreOfTheTimeBetweenTwoLooks) {
  Set(now_, "received", 500);
  Set(now_, "duplicates", 3);
  Set(now_, "journal_bytes", 250);
  EXPECT_EQ(Line(), "received 250/s, duplicates 1.5/s, passed 0/s, refused 0/s, journal 25 % full\n");
}

TEST_F(TopTextTest, ACounterThatHasBegunAnewHasNoRate) {
  Set(before_, "received", 10);
  EXPECT_THAT(Line(), StartsWith("received -/s, duplicates 0/s"));
}

TEST_F(TopTextTest, WhatIsWrongIsSaid) {
  Set(now_, "store_failing", 1);
  EXPECT_THAT(Line(), HasSubstr("EVENTS CANNOT BE STORED"));
  Set(now_, "journal_failing", 1);
  EXPECT_THAT(Line(), HasSubstr("EVENTS ARE REFUSED"));
  now_.values.reset();
  now_.trouble = "no room";
  EXPECT_THAT(Line(), StartsWith("events cannot be stored: no room"));
}

TEST_F(TopTextTest, TheLineNamesTheRuleAndTheTopicWithMostDuplicates) {
  Of(now_.rules[0], "duplicates") = 20;
  now_.topics[0].duplicates = 60;
  EXPECT_THAT(Line(), HasSubstr(", most of rule ble (10/s), most of topic a (5.0/s)\n"));
}

TEST_F(TopTextTest, ThoseWithMostDuplicatesStandFirst) {
  now_.topics = {{"a", 104, 51, 0}, {"b", 110, 70, 7}, {"quiet", 90, 0, 0}};
  Of(now_.rules[1], "matched") = 8;
  EXPECT_EQ(Screen(),
            "received 0/s, duplicates 0/s, passed 0/s, refused 0/s, journal 0 % full\n"
            "\n"
            "duplicates/s  processed/s  matched/s  conflicts/s  rule\n"
            "           0            0          0            0  ble\n"
            "           0            0        4.0            0  mesh (observes)\n"
            "\n"
            "duplicates/s  events/s  duplicates  topic\n"
            "         5.0       5.0       >= 70  b\n"
            "         0.5       2.0          51  a\n"
            "\n"
            "duplicates/s  duplicates  client\n"
            "           0          50  gateway\n");
}

TEST_F(TopTextTest, ARowThatWasAnotherTextsHasNoRate) {
  now_.topics = {{"a", 104, 51, 100}, {"new", 5, 5, 0}};
  EXPECT_THAT(Screen(), AllOf(HasSubstr("           -         -       >= 51  a\n"),
                              HasSubstr("           -         -           5  new\n")));
}

TEST_F(TopTextTest, AfterANewStartNothingIsKnown) {
  now_.top_since = now_.rules[0].since = "now";
  EXPECT_THAT(Screen(), AllOf(HasSubstr("           -            -          -            -  ble\n"),
                              HasSubstr("           0            0          0            0  mesh (observes)\n"),
                              HasSubstr("           -         -          50  a\n"),
                              HasSubstr("           -          50  gateway\n")));
}

TEST_F(TopTextTest, ItFitsTheTerminal) {
  now_.topics.clear();
  for (int i = 0; i < 50; ++i) now_.topics.push_back({"\u00fc/" + std::string(300, 'x'), 1, 1, 0});
  for (const std::size_t lines : {0, 1, 5, 9, 24}) {
    for (const std::size_t columns : {1, 40, 43, 44, 80}) {
      const std::string screen = Screen(lines, columns);
      EXPECT_LE(static_cast<std::size_t>(std::count(screen.begin(), screen.end(), '\n')), lines);
      for (std::size_t at = 0; at < screen.size();) {
        const std::size_t end = screen.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        std::size_t characters = 0;
        for (const char c : screen.substr(at, end - at)) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        EXPECT_LE(characters, columns);
        EXPECT_FALSE(screen.substr(at, end - at).ends_with('\xC3')) << "half a character";
        at = end + 1;
      }
    }
  }
  EXPECT_THAT(Screen(24, 80), AllOf(HasSubstr("ble"), HasSubstr("mesh"), HasSubstr("gateway"), HasSubstr("\u00fc/x")));
}

}  // namespace
}  // namespace dedup::command
