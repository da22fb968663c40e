#include "command/report/sentences.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace dedup::command {
namespace {

TEST(SentencesTest, EachReasonHasAWordAndASentenceOfItsOwn) {
  std::set<std::string> words;
  std::set<std::string> sentences;
  std::size_t count = 0;
  for (int number = 1; number <= static_cast<int>(Refusal::kOtherThanThought); ++number) {
    GroupAdvice group;
    group.reason.refusal = static_cast<Refusal>(number);
    words.insert(WordOf(group.reason.refusal));
    sentences.insert(SentenceOf(group));
    ++count;
  }
  EXPECT_EQ(words.size(), count);
  EXPECT_EQ(sentences.size(), count);
  EXPECT_FALSE(words.contains(WordOf(Refusal::kNone)));
}

TEST(SentencesTest, SayWhatTheyAreAbout) {
  GroupAdvice group;
  group.reason = {Refusal::kContent, "/speed"};
  EXPECT_TRUE(SentenceOf(group).ends_with("(it is about /speed)")) << SentenceOf(group);
  group.reason = {Refusal::kFewRepeats, ""};
  group.repeated_count = 4;
  EXPECT_EQ(SentenceOf(group), "watched too short: 4 occasions");
  group.repeated_count = 1;
  EXPECT_EQ(SentenceOf(group), "watched too short: 1 occasion");
}

TEST(SentencesTest, OfATextOnlyTheWholeCounts) {
  GroupAdvice group;
  group.reason.refusal = Refusal::kNoRepeats;
  EXPECT_EQ(SentenceOf(group), "nothing comes twice");
  group.only_whole_counts = true;
  EXPECT_EQ(
      SentenceOf(group),
      "nothing comes twice as a whole; of payloads that are neither JSON nor protobuf a rule can leave nothing out");
}

TEST(SentencesTest, DurationsAreShort) {
  EXPECT_EQ(DurationText(0.0123), "0.012 s");
  EXPECT_EQ(DurationText(0.25), "0.25 s");
  EXPECT_EQ(DurationText(42.4), "42 s");
  EXPECT_EQ(DurationText(200), "3m20s");
  EXPECT_EQ(DurationText(7500), "2h05m");
  EXPECT_EQ(DurationText(std::numeric_limits<double>::infinity()), "never");
}

}  // namespace
}  // namespace dedup::command
