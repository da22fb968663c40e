#include "plugin/core/base/patience.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "plugin/core/index/growing_memory.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/append.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A processor with another thread that never sleeps, and what the test's own thread gets of it.
class PatienceTest : public testing::Test {
 protected:
  PatienceTest() {
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    rival_ = std::thread([this] {
      while (!stop_) {
      }
    });
  }
  ~PatienceTest() override {
    stop_ = true;
    rival_.join();
    sched_setaffinity(0, sizeof all_, &all_);
    BePatientUntil(nullptr);
  }

  // How often body() had to leave the processor, or left it.
  template <class Body>
  static long CountLeaves(Body body) {
    const long before = Leaves();
    body();
    return Leaves() - before;
  }

  static bool Never(std::chrono::nanoseconds) { return false; }

  static void Work(milliseconds cpu) {
    const auto now = [] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    };
    for (const auto end = now() + cpu; now() < end;) YieldIfPatient();
  }

 private:
  static long Leaves() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
  }

  cpu_set_t all_{};
  std::atomic<bool> stop_{false};
  std::thread rival_;
};

TEST_F(PatienceTest, APatientThreadLeavesTheProcessorTimeAndAgain) {
  const long by_force = CountLeaves([] { Work(milliseconds(4)); });
  BePatientUntil(Never);
  const long patient = CountLeaves([] { Work(milliseconds(4)); });
  EXPECT_GT(patient, 50);
  EXPECT_LT(by_force, patient / 2) << "others, too, make it leave on a busy machine, but not as often";
}

TEST_F(PatienceTest, ItsPatienceEnds) {
  bool is_late = false;
  int questions = 0;
  BePatientUntil([&](std::chrono::nanoseconds) {
    ++questions;
    return is_late;
  });
  const long patient = CountLeaves([] { Work(milliseconds(2)); });
  is_late = true;
  Work(milliseconds(1));
  is_late = false;
  questions = 0;
  EXPECT_LT(CountLeaves([] { Work(milliseconds(2)); }), patient / 2);
  EXPECT_EQ(questions, 0) << "it is not asked again";
}

TEST_F(PatienceTest, OnlyWhatItGivesUpCounts) {
  std::vector<std::chrono::nanoseconds> given_up;
  const auto never = [&](std::chrono::nanoseconds so_far) {
    given_up.push_back(so_far);
    return false;
  };
  for (int turn = 0; turn < 2; ++turn) {
    given_up.clear();
    BePatientUntil(never);
    std::this_thread::sleep_for(milliseconds(50));  // a disk that is slow, say
    Work(milliseconds(1));
    EXPECT_EQ(given_up.front().count(), 0);
    EXPECT_GT(given_up.back(), milliseconds(1));
  }
}

TEST_F(PatienceTest, ACommitAndACheckpointLeaveTheProcessorToo) {
  const TempDir dir;
  sqlite::Database database(dir.path() / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  database.Execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -100000; CREATE TABLE pages (bytes "
      "BLOB)");
  sqlite::Transaction transaction(database);
  database.Execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
      "INSERT INTO pages SELECT zeroblob(4000) FROM n");
  BePatientUntil(Never);
  EXPECT_GT(CountLeaves([&] { transaction.Commit(); }), 50);
  EXPECT_GT(CountLeaves([&] { database.CheckpointPassive(); }), 50);
}

TEST_F(PatienceTest, ALongStatementLeavesTheProcessorToo) {
  const TempDir dir;
  sqlite::Database database(dir.path() / "events.db", sqlite::Database::Mode::kReadWriteCreate);
  BePatientUntil(Never);
  EXPECT_GT(
      CountLeaves([&] {
        database.QueryInteger(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT sum(i) FROM n");
      }),
      50);
}

// How often body() offers the processor, whether anyone wants it or not.
template <class Body>
long CountOffers(Body body) {
  long offers = 0;
  BePatientUntil([&](std::chrono::nanoseconds) {
    ++offers;
    return false;
  });
  body();
  BePatientUntil(nullptr);
  return offers;
}

TEST(PatienceWithMemoryTest, TheJournalsPagesAreOffersOfTheirOwn) {
  constexpr long kBytes = 16 << 20;
  const TempDir dir;
  const auto journal = Journal::Create(dir.path(), 2 * kBytes, {});
  EXPECT_GE(CountOffers([&] { journal->Prefault(kBytes); }), kBytes / (1 << 20));
  const std::string payload(1 << 20, 'x');
  Event event;
  event.payload = payload;
  for (event.seq = 1; journal->appended_position() < kBytes; ++event.seq) ASSERT_TRUE(Append(*journal, event));
  EXPECT_GE(CountOffers([&] { journal->Sync(); }), kBytes / (1 << 20));
}

TEST(PatienceWithMemoryTest, TheIndexsPagesAreOffersOfTheirOwn) {
  constexpr long kSteps = 20;
  GrowingMemory memory;
  memory.Grow(kSteps * GrowingMemory::kStepBytes);
  EXPECT_GE(CountOffers([&] { memory.Prepare(); }), kSteps - 1);
}

}  // namespace
}  // namespace dedup
