#include "plugin/core/observe/conflict_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr HashSecret kSecret = {1, 2, 3};

class ConflictCheckTest : public testing::Test {
 protected:
  void Ask(std::uint64_t seq, std::string_view payload) {
    EXPECT_TRUE(link_->questions.Push({seq, PayloadMarks(kSecret).Of(payload), 3, 9}));
  }
  void Run(std::uint64_t stored_seq, std::int64_t now_ms) {
    check_.Run(stored_seq, now_ms, [] { ++rests_; });
  }
  // "17!" for a conflict, "17" for none.
  std::vector<std::string> Answers() {
    std::vector<std::string> answers;
    while (const ConflictLink::Answer* const answer = link_->answers.Front()) {
      EXPECT_EQ(answer->rule, 3u);
      EXPECT_EQ(answer->rules_version, 9u);
      answers.push_back(std::to_string(answer->seq) + (answer->is_conflict ? "!" : ""));
      link_->answers.Pop();
    }
    return answers;
  }

  static inline int rests_ = 0;
  std::map<std::uint64_t, std::string> rows_;
  bool fails_ = false;
  const std::unique_ptr<ConflictLink> link_ = std::make_unique<ConflictLink>(kSecret);
  ConflictCheck check_{*link_, [this](std::uint64_t seq) -> std::optional<PayloadHead> {
                         if (fails_) throw std::runtime_error("no disk");
                         const auto row = rows_.find(seq);
                         if (row == rows_.end()) return std::nullopt;
                         return PayloadHead{row->second.size(), row->second.substr(0, PayloadMarks::kMarkedBytesMax)};
                       }};
};

TEST_F(ConflictCheckTest, ADuplicateWithAnotherPayloadIsOne) {
  rows_ = {{1, "21.5"}, {2, "21.6"}, {3, ""}};
  Ask(1, "21.5");
  Ask(1, "21.7");
  Ask(2, "21.60");
  Ask(3, "");
  Run(3, 1000);
  EXPECT_THAT(Answers(), ElementsAre("1", "1!", "2!", "3"));
}

TEST_F(ConflictCheckTest, LargePayloadsAreComparedByTheirSizeAndBeginning) {
  std::string payload(PayloadMarks::kMarkedBytesMax + 100, 'x');
  rows_ = {{1, payload}};
  Ask(1, payload);
  Ask(1, payload + "x");
  payload.back() = 'y';
  Ask(1, payload);
  payload.front() = 'y';
  Ask(1, payload);
  Run(1, 1000);
  EXPECT_THAT(Answers(), ElementsAre("1", "1!", "1", "1!"));
}

TEST_F(ConflictCheckTest, AnEventThatIsNotStoredYetIsWaitedFor) {
  rows_ = {{1, "a"}, {2, "b"}};
  Ask(1, "a");
  Ask(2, "b");
  Run(1, 1000);
  EXPECT_THAT(Answers(), ElementsAre("1"));
  Run(2, 1010);
  EXPECT_THAT(Answers(), ElementsAre("2"));
}

TEST_F(ConflictCheckTest, AnEventThatIsGoneGetsNoAnswer) {
  rows_ = {{2, "b"}};
  Ask(1, "a");
  Ask(2, "c");
  Run(2, 1000);
  EXPECT_THAT(Answers(), ElementsAre("2!"));
}

TEST_F(ConflictCheckTest, AFailureCostsOneQuestion) {
  rows_ = {{1, "a"}};
  Ask(1, "a");
  Ask(1, "b");
  fails_ = true;
  EXPECT_THROW(Run(1, 1000), std::runtime_error);
  EXPECT_THAT(Answers(), IsEmpty());
  fails_ = false;
  Run(1, 1010);
  EXPECT_THAT(Answers(), ElementsAre("1!"));
}

TEST_F(ConflictCheckTest, AnswersAThousandASecondAtMost) {
  rows_ = {{1, "a"}};
  for (int i = 0; i < 3000; ++i) Ask(1, "a");
  std::size_t answers = 0;
  rests_ = 0;
  for (std::int64_t now_ms = 1000; now_ms < 2000; now_ms += 5) {
    Run(1, now_ms);
    answers += Answers().size();
  }
  EXPECT_GT(answers, 1000u);
  EXPECT_LE(answers, 1100u);
  EXPECT_EQ(rests_, static_cast<int>(answers));
}

TEST_F(ConflictCheckTest, ALongBreakSavesNothingUp) {
  rows_ = {{1, "a"}};
  for (int i = 0; i < 300; ++i) Ask(1, "a");
  Run(1, 1000);
  Answers();
  Run(1, 900);  // a clock that runs backwards gives nothing
  EXPECT_THAT(Answers(), IsEmpty());
  Run(1, 100'000);
  EXPECT_EQ(Answers().size(), 100u);
}

TEST_F(ConflictCheckTest, AFullWayBackIsWaitedFor) {
  rows_ = {{1, "a"}};
  while (link_->answers.Push({1, 3, 9, false})) {
  }
  Ask(1, "b");
  Run(1, 1000);
  EXPECT_EQ(Answers().size(), ConflictLink::kWaitingMax);
  Run(1, 1010);
  EXPECT_THAT(Answers(), ElementsAre("1!"));
}

}  // namespace
}  // namespace dedup
