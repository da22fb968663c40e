#include "plugin/core/base/clock.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <functional>

namespace dedup {
namespace {

std::int64_t ReadUs(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

// 0: hidden, as by systemd's ProcSubset=pid.
std::uint64_t KnownBootNumber() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (!(file >> id)) return 0;
  std::uint64_t number = 1;
  for (const char c : id) number = number * 1'000'003 + static_cast<unsigned char>(c);
  return number;
}

// Never 0, which means that nothing was saved.
std::uint64_t AnyNumber() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
    number = static_cast<std::uint64_t>(ReadUs(CLOCK_BOOTTIME)) << 16 | static_cast<std::uint16_t>(getpid());
  }
  return number == 0 ? 1 : number;
}

std::string UtcNow(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, format, &utc);
  return text;
}

}  // namespace

Clock::Clock(const ClockState& before, std::int64_t age_min_ms) : boot_number_(KnownBootNumber()) {
  knows_boot_ = boot_number_ != 0;
  if (!knows_boot_) boot_number_ = AnyNumber();
  rebooted_ = before.boot_number != 0 && before.boot_number != boot_number_;
  const std::int64_t wall_ms = ReadUs(CLOCK_REALTIME) / 1000;
  // Without a state but with events, time begins with the newest: to remember too long is the safe side.
  std::int64_t age_ms = age_min_ms != 0 ? age_min_ms : wall_ms;
  if (before.boot_number != 0) {
    const std::int64_t by_wall_ms = wall_ms - before.wall_ms;
    const std::int64_t by_boot_ms = ReadUs(CLOCK_BOOTTIME) / 1000 - before.boot_ms;
    std::int64_t away_ms = rebooted_ ? by_wall_ms : by_boot_ms;
    // Perhaps it was this boot; then that is exact, and otherwise too little at worst.
    if (!knows_boot_ && by_boot_ms >= 0) away_ms = std::min(by_wall_ms, by_boot_ms);
    age_ms = before.age_ms + std::max<std::int64_t>(away_ms, 0);
  }
  age_ms = std::max(age_ms, age_min_ms);
  // By the coarse clock, which lags behind the fine one by up to a tick: Now() reads it too, and must not begin
  // earlier.
  age_minus_monotonic_us_ = age_ms * 1000 - ReadUs(CLOCK_MONOTONIC_COARSE);
  Resync();
}

void Clock::Resync() {
  wall_minus_monotonic_us_.store(ReadUs(CLOCK_REALTIME) - ReadUs(CLOCK_MONOTONIC), std::memory_order_relaxed);
}

ClockState Clock::state() const {
  return {.age_ms = Now().age_ms,
          .wall_ms = ReadUs(CLOCK_REALTIME) / 1000,
          .boot_ms = ReadUs(CLOCK_BOOTTIME) / 1000,
          .boot_number = boot_number_};
}

std::int64_t MonotonicUs() { return ReadUs(CLOCK_MONOTONIC_COARSE); }

std::string FileTimestamp() { return UtcNow("%Y%m%dT%H%M%SZ"); }

std::string UtcTimestamp() { return UtcNow("%Y-%m-%dT%H:%M:%SZ"); }

}  // namespace dedup
