#include "plugin/core/threads/prefaulter.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "tests/unit/support/append.h"
#include "tests/unit/support/eventually.h"
#include "tests/unit/support/resident_bytes.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;

long OwnFaults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

// How much of this process's mappings of a file is to be written to the disk.
std::uint64_t DirtyBytes(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  std::uint64_t bytes = 0;
  bool ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') != std::string::npos && line.find(':') > line.find('-')) ours = line.ends_with(path);
    unsigned long long kilobytes = 0;
    if (ours && (std::sscanf(line.c_str(), "Shared_Dirty: %llu", &kilobytes) == 1 ||
                 std::sscanf(line.c_str(), "Private_Dirty: %llu", &kilobytes) == 1)) {
      bytes += kilobytes << 10;
    }
  }
  return bytes;
}

class PrefaulterTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kJournalBytes = 2 << 20;

  /// Appends a step's worth of events.
  void AppendStep() {
    const std::uint64_t end = journal_.appended_position() + Prefaulter::kStepBytes;
    while (journal_.appended_position() < end) {
      ++event_.seq;
      ASSERT_TRUE(Append(journal_, event_));
      if (prefaulter_) prefaulter_->Notify();
    }
  }
  /// How much is to be written beyond what was appended.
  std::uint64_t BytesAhead() {
    const std::uint64_t dirty = DirtyBytes(dir_.path() / JournalHeader::kFileName);
    return dirty - std::min(dirty, journal_.appended_position() + JournalHeader::kRoomBytes);
  }

  TempDir dir_;
  const std::unique_ptr<Journal> owned_journal_ = Journal::Create(dir_.path(), kJournalBytes, {});
  Journal& journal_ = *owned_journal_;
  Index index_;
  const std::string payload_ = std::string(200, 'x');
  Event event_{.seq = 0, .topic = "t", .event_id = "id", .properties = {}, .payload = payload_};
  std::optional<Prefaulter> prefaulter_;
};

TEST_F(PrefaulterTest, TakesTheFaultsOfWhatComesFast) {
  const long pages_per_step = static_cast<long>(Prefaulter::kStepBytes) / sysconf(_SC_PAGESIZE);
  const auto step_faults = [&] {
    // Laps, and a sync that protects the pages, as in a life of some length.
    if (journal_.used_bytes() > journal_.ring_bytes() / 2) journal_.Release(journal_.appended_position());
    const long before = OwnFaults();
    AppendStep();
    const long faults = OwnFaults() - before;
    std::this_thread::sleep_for(1ms);
    return faults;
  };
  for (std::uint64_t lap = 0; lap < 3 * kJournalBytes; lap += Prefaulter::kStepBytes) {
    ASSERT_GE(step_faults(), pages_per_step / 2) << "without it";
  }
  prefaulter_.emplace(journal_, index_);
  EXPECT_TRUE(Eventually([&] { return step_faults() < pages_per_step / 2; }));
}

TEST_F(PrefaulterTest, LeavesATrickleAlone) {
  prefaulter_.emplace(journal_, index_);
  for (int step = 0; step < 4; ++step) {
    AppendStep();
    std::this_thread::sleep_for(300ms);  // far more than its thread may be late
  }
  EXPECT_EQ(BytesAhead(), 0U) << "what is made ready is written, so there must be a use for it";
}

TEST_F(PrefaulterTest, TakesTheIndexsMemoryAtATrickleToo) {
  constexpr std::size_t kMuch = 16 << 20;  // far less than so many keys take, far more than a step does
  index_.ReserveAll(1'000'000);
  const std::size_t before = ResidentBytes();
  prefaulter_.emplace(journal_, index_);
  AppendStep();  // the first one is a trickle, for it may have taken ages
  EXPECT_TRUE(Eventually([&] { return ResidentBytes() > before + kMuch; }));
  EXPECT_EQ(BytesAhead(), 0U);
}

TEST_F(PrefaulterTest, EndsWithoutHavingSeenAnything) { prefaulter_.emplace(journal_, index_); }

TEST_F(PrefaulterTest, GoesOnWhereTheJournalIsFull) {
  prefaulter_.emplace(journal_, index_);
  while (Append(journal_, event_)) prefaulter_->Notify();
  EXPECT_GT(journal_.used_bytes(), journal_.record_bytes_max() - 1000);
  std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(Append(journal_, event_));
}

}  // namespace
}  // namespace dedup
