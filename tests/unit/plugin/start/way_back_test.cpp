// The way back from a failure fails too: no thread, no descriptor, no room. Nothing dies of it, and the next attempt
// finds all as it was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/failing_threads.h"

namespace dedup {
namespace {

using testing::HasSubstr;

// A directory that is open has this many.
constexpr int kThreads = 3;

class WayBackTest : public DeduplicatorFixture {
 protected:
  WayBackTest() {
    options_.data_dir = dir_ / "data";
    Start();
    Publish("known");
    PublishAtQos2("in doubt");
    Stop();
  }
  bool Opens() {
    return Eventually([this] {
      dedup_->OnTurn();
      return dedup_->trouble().empty();
    });
  }
  void ExpectAllThere() {
    EXPECT_EQ(VerdictOf("known"), kDuplicate);
    EXPECT_EQ(VerdictOf("in doubt"), kProcessed);
    EXPECT_EQ(VerdictOf("in doubt"), kDuplicate);
    EXPECT_EQ(Publish("new").seq, 3U);
  }
};

class WayBackThreadsTest : public WayBackTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(EachThread, WayBackThreadsTest, testing::Range(0, kThreads));

TEST_P(WayBackThreadsTest, AStartWithoutThreadsOpensWhenThereAreSome) {
  {
    const FailingThreads failing(GetParam());
    Start();
    EXPECT_EQ(VerdictOf("known"), kRefused);
    EXPECT_NE(dedup_->trouble(), "");
    EXPECT_THAT(TakeLog(), HasSubstr("events cannot be stored: "));
    Turn(3);
  }
  ASSERT_TRUE(Opens());
  ExpectAllThere();
}

// One more thread tries again, and is gone when it has succeeded.
TEST_P(WayBackThreadsTest, ADirectoryThatBecomesUsableWithoutThreadsIsTriedAgain) {
  std::filesystem::rename(options_.data_dir, dir_ / "away");
  WriteFile(options_.data_dir, "in its place");
  Start();
  EXPECT_EQ(VerdictOf("known"), kRefused);
  {
    const FailingThreads failing(GetParam());
    std::filesystem::remove(options_.data_dir);
    std::filesystem::rename(dir_ / "away", options_.data_dir);
    std::string log;
    EXPECT_TRUE(Eventually([&] {
      dedup_->OnTurn();
      return (log += TakeLog()).find("no thread can be made to try again") != std::string::npos ||
             dedup_->trouble().find("Resource temporarily unavailable") != std::string::npos;
    })) << log;
    EXPECT_EQ(VerdictOf("known"), kRefused);
  }
  ASSERT_TRUE(Opens());
  ExpectAllThere();
}

TEST_F(WayBackTest, AStartWithoutDescriptorsOpensWhenThereAreSome) {
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(STDERR_FILENO);
  close(next);
  for (const int left : {0, 2, 4, 6}) {
    SCOPED_TRACE(left);
    rlimit limit = before;
    limit.rlim_cur = static_cast<rlim_t>(next + left);
    setrlimit(RLIMIT_NOFILE, &limit);
    Start();
    const std::string trouble = dedup_->trouble();
    const Verdict verdict = VerdictOf("known");
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_NE(trouble, "");
    EXPECT_EQ(verdict, kRefused);
    ASSERT_TRUE(Opens());
    EXPECT_EQ(VerdictOf("known"), kDuplicate);
    Stop();
  }
  Start();
  ExpectAllThere();
}

// Half a journal must not take the room that was missing.
TEST_F(WayBackTest, AJournalThatCannotBeMadeLeavesNothingBehind) {
  options_.journal_bytes = 64 << 20;
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignore = signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 16 << 20;
  setrlimit(RLIMIT_FSIZE, &limit);
  Start();
  EXPECT_THAT(dedup_->trouble(), HasSubstr("events.journal.empty"));
  EXPECT_FALSE(std::filesystem::exists(options_.data_dir / "events.journal.empty"));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, ignore);
  ASSERT_TRUE(Opens());
  ExpectAllThere();
}

}  // namespace
}  // namespace dedup
