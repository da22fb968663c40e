#include "plugin/core/text/topic_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace dedup {
namespace {

using namespace std::string_view_literals;

// The examples of MQTT 5.0, section 4.7, and the corners between them.
TEST(TopicFilterTest, MatchesAsTheMqttSpecificationSays) {
  constexpr struct {
    std::string_view filter, topic;
    bool matches;
  } kTable[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player12", false},
      {"sport/#", "sport", true},
      {"sport/#", "sport/", true},
      {"sport/#", "sports", false},
      {"#", "a", true},
      {"#", "/", true},
      {"#", "a/b/c", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+", "finance", true},
      {"+", "/finance", false},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+/tennis/#", "sport/tennis", true},
      {"+/tennis/#", "sport/tennis/x/y", true},
      {"+/tennis/#", "sport/golf", false},
      {"sport/+/player1", "sport/tennis/player1", true},
      {"sport/+/player1", "sport//player1", true},
      {"sport/+/player1", "sport/player1", false},
      {"+/+/#", "a/b", true},
      {"+/+/#", "a", false},
      {"a", "a", true},
      {"a", "A", false},
      {"a", "/a", false},
      {"a", "a/", false},
      {"a/", "a/", true},
      {"a/", "a", false},
      {"a/b", "a", false},
      {"a//b", "a//b", true},
      {"a//b", "a/b", false},
      {"/", "/", true},
      {"/", "//", false},
      {"ä/+", "ä/ö", true},
  };
  for (const auto& [filter, topic, matches] : kTable) {
    EXPECT_EQ(MatchesFilter(topic, filter), matches) << "filter " << filter << ", topic " << topic;
    EXPECT_TRUE(IsTopicFilter(filter)) << filter;
  }
}

TEST(TopicFilterTest, ALeadingWildcardDoesNotMatchATopicThatBeginsWithADollar) {
  EXPECT_FALSE(MatchesFilter("$SYS/broker", "#"));
  EXPECT_FALSE(MatchesFilter("$SYS/broker", "+/broker"));
  EXPECT_FALSE(MatchesFilter("$SYS", "+"));
  EXPECT_TRUE(MatchesFilter("$SYS/broker", "$SYS/#"));
  EXPECT_TRUE(MatchesFilter("$SYS/broker", "$SYS/+"));
  EXPECT_TRUE(MatchesFilter("a/$SYS", "a/+"));
}

TEST(TopicFilterTest, RefusesWhatIsNoFilter) {
  for (const std::string_view filter : {""sv, "sport+"sv, "+sport"sv, "sport/ten+is"sv, "sport#"sv, "sport/tennis#"sv,
                                        "sport/#/ranking"sv, "#/"sv, "##"sv, "++"sv, "+#"sv, "#/#"sv, "a\0b"sv}) {
    EXPECT_FALSE(IsTopicFilter(filter)) << filter;
  }
}

TEST(TopicFilterTest, AFilterHasAtMost65535Bytes) {
  EXPECT_TRUE(IsTopicFilter(std::string(65535, 'a')));
  EXPECT_FALSE(IsTopicFilter(std::string(65536, 'a')));
}

}  // namespace
}  // namespace dedup
