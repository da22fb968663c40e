#include "plugin/core/text/topic_filter.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

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

// All filters of up to three levels of a few words, against all topics of up to four.
TEST(TopicFilterTest, AFilterCoversAnotherThatMatchesNoOtherTopics) {
  std::vector<std::string> filters;
  std::vector<std::string> topics;
  const auto add_level = [](std::vector<std::string>* texts, std::size_t begin, auto words) {
    const std::size_t end = texts->size();
    for (std::size_t i = begin; i < end; ++i) {
      for (const char* const word : words) texts->push_back((*texts)[i] + "/" + word);
    }
    return end;
  };
  constexpr std::array kLevels = {"a", "b", "", "+", "#"};
  constexpr std::array kWords = {"a", "b", "", "x"};
  filters.assign(kLevels.begin(), kLevels.end());
  add_level(&filters, add_level(&filters, 0, kLevels), kLevels);
  std::erase_if(filters, [](const std::string& filter) { return !IsTopicFilter(filter); });
  topics.assign(kWords.begin(), kWords.end());
  add_level(&topics, add_level(&topics, add_level(&topics, 0, kWords), kWords), kWords);

  // What a filter matches, a bit for each topic.
  std::vector<std::vector<bool>> matched;
  for (const std::string& filter : filters) {
    auto& bits = matched.emplace_back();
    for (const std::string& topic : topics) bits.push_back(MatchesFilter(topic, filter));
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    for (std::size_t j = 0; j < filters.size(); ++j) {
      bool covers = true;
      for (std::size_t k = 0; k < topics.size(); ++k) covers &= matched[i][k] || !matched[j][k];
      EXPECT_EQ(CoversFilter(filters[i], filters[j]), covers) << filters[i] << " and " << filters[j];
    }
  }
}

}  // namespace
}  // namespace dedup
