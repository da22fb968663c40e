// Two notions of time: the wall clock, for people, and an age clock that no jump of the wall clock moves, for the
// window.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace dedup {

struct Timestamp {
  std::int64_t wall_us;  ///< UTC, microseconds since 1970; may jump
  std::int64_t age_ms;   ///< on the age clock; never runs backwards, also not across restarts
};

/// Time since some moment before the process began; accurate to a tick of the kernel (4 ms or less), and without a
/// system call.
std::int64_t MonotonicUs();
inline std::int64_t MonotonicMs() { return MonotonicUs() / 1000; }

/// What must be kept across a restart so that the age clock goes on.
struct ClockState {
  std::int64_t age_ms = 0;
  std::int64_t wall_ms = 0;
  std::int64_t boot_ms = 0;       ///< CLOCK_BOOTTIME
  std::uint64_t boot_number = 0;  ///< changes with every boot of the machine; 0: no state yet
};

/// Threading: Now() from any thread; Resync() and state() from one.
class Clock {
 public:
  /// Goes on from where `before` ended. Within one boot of the machine the time between is known exactly; else it is
  /// taken from the wall clock, and as zero when that went backwards.
  /// Never begins below `age_min_ms`, and there when nothing was saved; 0 for the wall clock.
  explicit Clock(const ClockState& before, std::int64_t age_min_ms = 0);

  /// As accurate as MonotonicUs().
  Timestamp Now() const { return At(MonotonicUs()); }
  /// What Now() says at that time of MonotonicUs().
  Timestamp At(std::int64_t monotonic_us) const {
    return {.wall_us = monotonic_us + wall_minus_monotonic_us_.load(std::memory_order_relaxed),
            .age_ms = (monotonic_us + age_minus_monotonic_us_) / 1000};
  }

  /// Reads the wall clock anew. Call it every 100 ms or so: in between Now() shows a jumped wall clock's old time.
  void Resync();

  ClockState state() const;
  /// Whether the machine has been booted since `before` was saved. Also where that cannot be told.
  bool rebooted() const { return rebooted_; }
  /// Whether one boot can be told from another.
  bool knows_boot() const { return knows_boot_; }

 private:
  std::int64_t age_minus_monotonic_us_;
  std::atomic<std::int64_t> wall_minus_monotonic_us_;
  std::uint64_t boot_number_;
  bool knows_boot_;
  bool rebooted_;
};

/// UTC with seconds, for the name of a file: 20260131T235959Z.
std::string FileTimestamp();

/// The same as RFC 3339 has it: 2026-01-31T23:59:59Z.
std::string UtcTimestamp();

}  // namespace dedup
