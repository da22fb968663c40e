#include "prefaulter.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;

long Faults(int whose) {
  rusage usage{};
  getrusage(whose, &usage);
  return usage.ru_minflt;
}

class PrefaulterTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kJournalBytes = 64 << 20;

  /// Appends a step's worth of events.
  void AppendStep() {
    const std::uint64_t end = journal_.appended_position() + Prefaulter::kStepBytes;
    while (journal_.appended_position() < end) {
      ++event_.seq;
      ASSERT_TRUE(journal_.Append(event_));
      if (prefaulter_) prefaulter_->Notify();
    }
  }
  /// The page faults of this thread while it appends some steps, and of all threads.
  struct FaultCount {
    long own, all;
  };
  FaultCount AppendSteps(int steps, std::chrono::milliseconds pause) {
    const FaultCount before = {Faults(RUSAGE_THREAD), Faults(RUSAGE_SELF)};
    for (int i = 0; i < steps; ++i) {
      AppendStep();
      std::this_thread::sleep_for(pause);
    }
    return {Faults(RUSAGE_THREAD) - before.own, Faults(RUSAGE_SELF) - before.all};
  }

  TempDir dir_;
  Journal journal_{Journal::Create(dir_.path(), kJournalBytes, {})};
  const std::string payload_ = std::string(200, 'x');
  Event event_{.seq = 0, .topic = "t", .event_id = "id", .properties = {}, .payload = payload_};
  std::optional<Prefaulter> prefaulter_;
};

constexpr int kSteps = 100;
constexpr long kPagesPerStep = Prefaulter::kStepBytes / 4096;

TEST_F(PrefaulterTest, TakesTheFaultsOfWhatComesFast) {
  if (sysconf(_SC_PAGESIZE) != 4096) GTEST_SKIP() << "the test counts pages of 4096 bytes";
  const long without = AppendSteps(kSteps, 1ms).own;
  EXPECT_GE(without, kSteps * kPagesPerStep);
  prefaulter_.emplace(journal_);
  const long with = AppendSteps(kSteps, 1ms).own;
  EXPECT_LT(with, without / 2);
}

TEST_F(PrefaulterTest, LeavesATrickleAlone) {
  prefaulter_.emplace(journal_);
  const FaultCount faults = AppendSteps(4, 60ms);
  EXPECT_LE(faults.all, faults.own + 5) << "a page made writable is written, so there must be a use for it";
}

TEST_F(PrefaulterTest, EndsWithoutHavingSeenAnything) { prefaulter_.emplace(journal_); }

TEST_F(PrefaulterTest, GoesOnWhereTheJournalIsFull) {
  prefaulter_.emplace(journal_);
  while (journal_.Append(event_)) prefaulter_->Notify();
  EXPECT_GT(journal_.used_bytes(), kJournalBytes - 1000);
  std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(journal_.Append(event_));
}

}  // namespace
}  // namespace dedup
