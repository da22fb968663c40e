#include "plugin/core/observe/rule_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr HashSecret kSecret = {7, 8, 9};
constexpr std::chrono::milliseconds kWindow = std::chrono::hours(1);

class RuleWatchTest : public testing::Test {
 protected:
  void Load(const std::string& rules) {
    RulesFile file = ParseRules("{\"rules\":[" + rules + "]}", {});
    ASSERT_THAT(file.errors, IsEmpty());
    auto finder = std::make_unique<KeyFinder>(std::move(*file.rules), kSecret);
    watch_.Adopt(finder->rules(), kWindow, finder_.get());
    finder_ = std::move(finder);
  }
  // As the deduplicator does it, with that verdict about what has a key.
  void Publish(const std::string& topic, const std::string& payload, Verdict verdict = Verdict::kProcessed,
               std::uint64_t seq = 1) {
    age_ms_ += 1000;
    const dedup::Publish publish = {topic, payload, "c"};
    const Finding finding = finder_->Find(publish);
    if (finding.observed) {
      watch_.NoteObserved(*finding.observed, publish, age_ms_, [&] { return finder_->ObservedTextOf(finding); });
    }
    if (finding.status == FindStatus::kKey) {
      watch_.NoteDecided(finding.key, publish, {verdict, seq}, age_ms_, [&] { return finder_->KeyTextOf(finding); });
    }
  }
  RuleReport Report(const std::string& name) { return watch_.Report(*finder_->rules().Find(name), *finder_); }
  void Answer(bool is_conflict) {
    const ConflictLink::Question* const question = link_->questions.Front();
    ASSERT_NE(question, nullptr);
    link_->answers.Push({question->seq, question->rule, question->rules_version, is_conflict});
    link_->questions.Pop();
  }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    for (LogLine& line : log_.Take()) lines.push_back(std::move(line.text));
    return lines;
  }

  LogQueue log_;
  const std::unique_ptr<ConflictLink> link_ = std::make_unique<ConflictLink>(kSecret);
  RuleWatch watch_{kSecret, log_, *link_};
  std::unique_ptr<KeyFinder> finder_;
  std::int64_t age_ms_ = 0;
};

constexpr char kIdRule[] = R"({"name":"id","topics":["a/#"],"key":["/id"]})";

TEST_F(RuleWatchTest, CountsForEachRuleAndTheDefaultOne) {
  Load(kIdRule);
  Publish("a/1", R"({"id":1})");
  Publish("a/1", R"({"id":1})", Verdict::kDuplicate);
  Publish("a/1", R"({"id":2})", Verdict::kRefused);
  Publish("a/1", R"({"event_id":"x"})");
  Publish("b", R"({"event_id":"x"})", Verdict::kDuplicate);
  const RuleCounters id = Report("id").counters;
  EXPECT_EQ(id.matched, 4u);
  EXPECT_EQ(id.keyed, 3u);
  EXPECT_EQ(id.processed, 1u);
  EXPECT_EQ(id.duplicates, 1u);
  const RuleCounters rest = Report("default").counters;
  EXPECT_EQ(rest.matched, 2u);
  EXPECT_EQ(rest.keyed, 2u);
  EXPECT_EQ(rest.processed, 1u);
  EXPECT_EQ(rest.duplicates, 1u);
}

TEST_F(RuleWatchTest, CountersGoOnByNameAcrossAReload) {
  Load(kIdRule);
  Publish("a/1", R"({"id":1})");
  Publish("b", R"({"event_id":"x"})");
  Load(std::string(R"({"name":"new","topics":["n"],"key":["/id"]},)") + kIdRule);
  Publish("a/1", R"({"id":2})");
  Publish("n", R"({"id":2})");
  EXPECT_EQ(Report("id").counters.matched, 2u);
  EXPECT_EQ(Report("id").counters.processed, 2u);
  EXPECT_EQ(Report("new").counters.processed, 1u);
  EXPECT_EQ(Report("default").counters.processed, 1u);
  Load(R"({"name":"other","topics":["a/#"],"key":["/id"]})");
  Load(kIdRule);
  EXPECT_EQ(Report("id").counters.matched, 0u) << "it was gone";
}

TEST_F(RuleWatchTest, ConflictsAreCountedForTheirRuleAndSaidOnceAMinute) {
  Load(kIdRule);
  Publish("a/1", R"({"id":1})", Verdict::kProcessed, 17);
  for (int i = 0; i < 3; ++i) Publish("a/1", R"({"id":1,"t":2})", Verdict::kDuplicate, 17);
  Answer(true);
  Answer(false);
  watch_.OnTurn(0);
  Answer(true);
  watch_.OnTurn(59'999);
  EXPECT_EQ(Report("id").counters.compared, 3u);
  EXPECT_EQ(Report("id").counters.conflicts, 2u);
  EXPECT_EQ(Report("default").counters.conflicts, 0u);
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr("rule id:"), HasSubstr("event 17"), HasSubstr("1 of 2"))));
}

TEST_F(RuleWatchTest, ConflictsOfTheDefaultRuleAreCountedToo) {
  Load(kIdRule);
  Publish("b", R"({"event_id":"x"})", Verdict::kDuplicate);
  Answer(true);
  watch_.OnTurn(0);
  EXPECT_EQ(Report("default").counters.conflicts, 1u);
}

TEST_F(RuleWatchTest, ARuleThatComparesPayloadsOrKeepsNoneIsNotAskedAbout) {
  Load(R"({"name":"p","topics":["p"],"key":["payload"],"window":"1m"},)"
       R"({"name":"i","topics":["i"],"key":["/id"],"store":"id"})");
  Publish("p", "x", Verdict::kDuplicate);
  Publish("i", R"({"id":1})", Verdict::kDuplicate);
  EXPECT_EQ(link_->questions.Front(), nullptr);
}

TEST_F(RuleWatchTest, WithoutRoomForAQuestionTheDuplicateCountsAndIsNotCompared) {
  Load(kIdRule);
  while (link_->questions.Push({})) {
  }
  Publish("a/1", R"({"id":1})", Verdict::kDuplicate);
  EXPECT_EQ(Report("id").counters.duplicates, 1u);
  EXPECT_EQ(Report("id").counters.compared, 0u);
}

TEST_F(RuleWatchTest, AnswersAboutTheRulesOfBeforeAReloadAreLeftOut) {
  Load(kIdRule);
  Publish("a/1", R"({"id":1})", Verdict::kDuplicate);
  Load(std::string(R"({"name":"new","topics":["n"],"key":["/id"]},)") + kIdRule);
  Answer(true);
  watch_.OnTurn(0);
  EXPECT_EQ(Report("id").counters.conflicts + Report("new").counters.conflicts, 0u);
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(RuleWatchTest, WarnsOfAKeyThatNamesADevice) {
  Load(kIdRule);
  for (int i = 0; i < 40; ++i) Publish("a/device-7", R"({"id":"device-7"})", Verdict::kDuplicate);
  EXPECT_THAT(Lines(), ElementsAre(AllOf(HasSubstr("rule id: 16 of the last 16 messages on a/device-7"),
                                         HasSubstr("the key device-7;"), HasSubstr("drops all readings"))));
  const OneKey one_key = Report("id").one_key;
  EXPECT_EQ(one_key.topics_watched, 1u);
  EXPECT_EQ(one_key.topics_with_one_key, 1u);
  EXPECT_EQ(one_key.topic, "a/device-7");
}

TEST_F(RuleWatchTest, OfARuleWithoutPartsAllTopicsCountTogether) {
  Load(R"({"name":"t","topics":["a/#"],"key":[]})");
  for (int i = 0; i < 400; ++i) Publish("a/" + std::to_string(i % 4), "x");
  EXPECT_THAT(Lines(), IsEmpty());
  EXPECT_GT(Report("t").one_key.topics_watched, 0u);
  for (int i = 0; i < 80; ++i) Publish("a/0", "x");
  EXPECT_THAT(Lines(), SizeIs(1));
}

TEST_F(RuleWatchTest, ARuleThatObservesReports) {
  Load(R"({"name":"o","topics":["a/#"],"key":["/id"],"mode":"observe","window":"1m"})");
  Publish("a/1", R"({"id":1})");
  Publish("a/1", R"({"id":1})");
  const RuleReport report = Report("o");
  EXPECT_EQ(report.mode, RuleMode::kObserve);
  EXPECT_EQ(report.window, std::chrono::minutes(1));
  EXPECT_EQ(report.counters.keyed, 2u);
  EXPECT_EQ(report.counters.processed, 0u);
  ASSERT_TRUE(report.observations);
  EXPECT_EQ(report.observations->copies, 1u);
  EXPECT_FALSE(Report("default").observations);
}

TEST_F(RuleWatchTest, WhatWasObservedStaysAsLongAsTheRuleSaysTheSame) {
  const std::string observed = R"({"name":"o","topics":["a/#"],"key":["/id"],"mode":"observe","window":"1m"})";
  Load(observed);
  Publish("a/1", R"({"id":1})");
  Load(R"({"name":"o","topics":["a/#","b/#"],"key":["/id"],"mode":"observe","window":"1m"})");
  Publish("a/1", R"({"id":1})");
  EXPECT_EQ(Report("o").observations->copies, 1u) << "its topics are no part of a key";
  Load(observed + R"(,{"name":"p","topics":["a/#"],"key":["/id"],"mode":"observe","window":"1m"})");
  EXPECT_EQ(Report("o").observations->copies, 1u);
  EXPECT_EQ(Report("o").observations->keys_remembered, 0u) << "two rules share the memory";
  Load(R"({"name":"o","topics":["a/#"],"key":["/id"],"mode":"observe","window":"2m"})");
  EXPECT_EQ(Report("o").observations->copies, 0u);
  Publish("a/1", R"({"id":1})");
  Load(R"({"name":"o","topics":["a/#"],"key":["/other"],"mode":"observe","window":"2m"})");
  EXPECT_EQ(Report("o").observations->firsts, 0u);
  Load(R"({"name":"o","topics":["a/#"],"key":["/other"],"window":"2m"})");
  EXPECT_FALSE(Report("o").observations);
}

TEST_F(RuleWatchTest, ObservingRulesShareABoundedMemory) {
  std::string rules;
  for (int i = 0; i < 100; ++i) {
    rules += (i == 0 ? "" : ",") + std::string(R"({"name":"r)") + std::to_string(i) +
             R"(","topics":["a/#"],"key":["/id"],"mode":"observe","window":"1m"})";
  }
  Load(rules);
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    bytes += Report("r" + std::to_string(i)).observations->keys_max * ObservedKeys::kBytesPerKey;
  }
  EXPECT_LE(bytes, RuleWatch::kObservedBytesMax);
  EXPECT_GE(bytes, RuleWatch::kObservedBytesMax / 4);
}

}  // namespace
}  // namespace dedup
