#include "plugin/core/threads/syncer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tests/unit/support/append.h"
#include "tests/unit/support/eventually.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class SyncerTest : public testing::Test {
 protected:
  void Start(std::chrono::milliseconds interval) { syncer_.emplace(journal_, log_, interval); }
  void Append() {
    Event event;
    event.seq = journal_.accepted_seq() + 1;
    EXPECT_TRUE(dedup::Append(journal_, event));
  }
  std::string TakeLog() {
    std::string text;
    for (const LogLine& line : log_.Take()) text += line.text + "\n";
    return text;
  }

  TempDir dir_;
  const std::unique_ptr<Journal> owned_journal_ = Journal::Create(dir_.path(), Journal::kRingBytesMin, {});
  Journal& journal_ = *owned_journal_;
  LogQueue log_;
  std::optional<Syncer> syncer_;
};

TEST_F(SyncerTest, SyncsWhatWasAppended) {
  const FailingDisk disk(JournalHeader::kFileName);
  Append();
  Start(1ms);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(disk.failures(), 0) << "what was there at its start is not its to sync";
  Append();
  EXPECT_TRUE(Eventually([&] { return disk.failures() > 0; }));
  EXPECT_TRUE(Eventually([&] { return !journal_.healthy(); }));
}

TEST_F(SyncerTest, WithAnIntervalOfZeroTheMainThreadSyncs) {
  const FailingDisk disk(JournalHeader::kFileName);
  Start(0ms);
  Append();
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(disk.failures(), 0);
}

TEST_F(SyncerTest, TriesAgainUntilItSucceedsAndSaysSo) {
  for (const auto interval : {0ms, 1ms}) {
    log_.Take();
    {
      const FailingDisk disk(JournalHeader::kFileName);
      Start(interval);
      Append();
      EXPECT_ANY_THROW(journal_.Sync());
      EXPECT_TRUE(Eventually([&] { return disk.failures() > 2; }));
      EXPECT_THAT(TakeLog(), AllOf(HasSubstr("cannot sync the journal: fdatasync"), HasSubstr("trying again")));
    }
    EXPECT_TRUE(Eventually([&] { return journal_.healthy(); }));
    EXPECT_TRUE(Eventually([&] { return TakeLog().find("the journal is synced again") != std::string::npos; }));
  }
}

TEST_F(SyncerTest, TriesAgainSoonAfterAFailureHoweverLongItsInterval) {
  Start(1h);
  {
    const FailingDisk disk(JournalHeader::kFileName);
    Append();
    EXPECT_ANY_THROW(journal_.Sync());
  }
  EXPECT_TRUE(Eventually([&] { return journal_.healthy(); }));
}

TEST_F(SyncerTest, StopsAtOnceHoweverLongItsInterval) {
  Start(24h * 36'500);
  const auto start = std::chrono::steady_clock::now();
  syncer_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

}  // namespace
}  // namespace dedup
