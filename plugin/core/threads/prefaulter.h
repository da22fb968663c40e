// A thread that takes the page faults of the journal and of the index, which would else cost the main thread more than
// all that it does itself for an event.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "plugin/core/index/index.h"
#include "plugin/core/journal/journal.h"

namespace dedup {

/// Keeps the journal's next pages writable while events come fast, and the index's next memory at hand.
///
/// The kernel protects a page after each sync, and a store to it costs a fault of some microseconds, once every dozen
/// events. This thread takes it ahead of them, as far as some milliseconds' worth of events go, and not at all at a
/// trickle: a page made writable is written to the disk at the next sync, also when nothing came to it. Memory is not.
///
/// Threading: the constructor starts the thread, the destructor stops it; Notify is for the main thread. Ownership:
/// refers to journal and index, which must outlive it. Errors: none; what it fails to do costs speed, nothing else.
class Prefaulter {
 public:
  /// How many bytes are appended between two wake-ups of the thread.
  static constexpr std::uint64_t kStepBytes = 64 << 10;

  Prefaulter(const Journal& journal, Index& index);
  Prefaulter(const Prefaulter&) = delete;
  Prefaulter& operator=(const Prefaulter&) = delete;
  ~Prefaulter();

  /// To be called after an append. Costs a comparison, and a system call once a step.
  void Notify() {
    if (journal_.appended_position() >= next_wake_position_) Wake();
  }

 private:
  void Run();
  void Wake();

  const Journal& journal_;
  Index& index_;
  std::uint64_t next_wake_position_;
  std::atomic<std::uint32_t> wakes_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;  // last, for it uses all of the above
};

}  // namespace dedup
