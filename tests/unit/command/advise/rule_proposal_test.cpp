#include "command/advise/rule_proposal.h"

#include <gtest/gtest.h>

namespace dedup::command {
namespace {

std::string WindowOf(double window_s, double least_s) {
  double exact_s = 0;
  const std::string text = WindowText(window_s, least_s, &exact_s);
  EXPECT_GE(exact_s, std::min(least_s, window_s) * 0.9) << text;
  EXPECT_LE(exact_s, window_s * 1.001) << text;
  return text;
}

TEST(RuleProposalTest, WindowsAreThoseThatPeopleWrite) {
  EXPECT_EQ(WindowOf(0.1, 0.01), "100ms");
  EXPECT_EQ(WindowOf(5.7, 1.9), "5s");
  EXPECT_EQ(WindowOf(65, 20), "1m");
  EXPECT_EQ(WindowOf(7300, 100), "2h");
  EXPECT_EQ(WindowOf(1e9, 100), "1d");
}

TEST(RuleProposalTest, WhereThereIsNoneBetweenTheLimitsTwoDigitsDo) {
  EXPECT_EQ(WindowOf(4.87, 4.2), "4800ms");
  EXPECT_EQ(WindowOf(175, 142), "170s");
}

Group GroupOf(std::vector<std::string> pattern) {
  Group group;
  group.pattern = std::move(pattern);
  return group;
}

TEST(RuleProposalTest, NamesAreOfTheTopicsWords) {
  EXPECT_EQ(NameFor(GroupOf({"home", "+", "BTtoMQTT", "+"}), {}), "home-BTtoMQTT");
  EXPECT_EQ(NameFor(GroupOf({"home", "+"}), {"home", "home-2"}), "home-3");
  EXPECT_EQ(NameFor(GroupOf({"+", "ü"}), {}), "events");
  EXPECT_EQ(NameFor(GroupOf({std::string(100, 'a')}), {}).size(), 28u) << "with a number it has 32 at most";
}

}  // namespace
}  // namespace dedup::command
