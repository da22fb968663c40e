#include "plugin/core/threads/prefaulter.h"

#include <algorithm>

#include "plugin/core/base/patience.h"
#include "plugin/core/threads/thread.h"

namespace dedup {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// How much of the future is made ready: longer than a busy machine keeps this thread waiting for a processor, far
// shorter than the usual time between two syncs.
constexpr microseconds kAhead{10'000};
// A step that takes longer than this is a trickle.
constexpr microseconds kTrickle{50'000};
constexpr std::uint64_t kAheadBytesMax = 8 << 20;
// Others go first for no longer than this at a time, and the rest of a time slice: where the main thread comes to a
// page sooner, it may have to wait for the disk.
constexpr microseconds kPatience{1'000};

}  // namespace

Prefaulter::Prefaulter(const Journal& journal, Index& index)
    : journal_(journal),
      index_(index),
      next_wake_position_(journal.appended_position() + kStepBytes),
      thread_(StartThread(journal.data_dir(), [this] { Run(); })) {}

Prefaulter::~Prefaulter() {
  stop_.store(true);
  Wake();
  thread_.join();
}

void Prefaulter::Wake() {
  next_wake_position_ = journal_.appended_position() + kStepBytes;
  wakes_.fetch_add(1);
  wakes_.notify_one();
}

void Prefaulter::Run() {
  std::uint64_t last_position = journal_.appended_position();
  steady_clock::time_point last_time{};
  for (std::uint32_t wakes = 0;;) {
    wakes_.wait(wakes);
    wakes = wakes_.load();
    if (stop_.load()) return;
    BePatientUntil([](std::chrono::nanoseconds given_up) { return given_up >= kPatience; });
    const std::uint64_t position = journal_.appended_position();
    const steady_clock::time_point time = steady_clock::now();
    const auto took = std::max(std::chrono::duration_cast<microseconds>(time - last_time), microseconds{1});
    const std::uint64_t step = position - last_position;
    last_position = position;
    last_time = time;
    if (took < kTrickle) {
      const std::uint64_t ahead =
          step * static_cast<std::uint64_t>(kAhead.count()) / static_cast<std::uint64_t>(took.count());
      journal_.Prefault(std::clamp(ahead, 2 * kStepBytes, kAheadBytesMax));
    }
    // At a trickle too, for this writes nothing to the disk.
    index_.PrepareMemory();
  }
}

}  // namespace dedup
