#include "plugin/core/base/clock.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "tests/unit/support/eventually.h"

namespace dedup {
namespace {

constexpr std::int64_t kHour_ms = 3'600'000;
// Between two readings of the clock here and in the code under test; the coarse clock alone lags by some milliseconds.
constexpr std::int64_t kTolerance_ms = 1000;

std::int64_t Wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The state as another run on this boot of the machine would have saved it, `ago_ms` before now.
ClockState SavedHere(std::int64_t age_ms, std::int64_t ago_ms) {
  ClockState state = Clock({}).state();
  state.age_ms = age_ms;
  state.wall_ms -= ago_ms;
  state.boot_ms -= ago_ms;
  return state;
}

ClockState SavedOnAnotherBoot(std::int64_t age_ms, std::int64_t ago_ms) {
  ClockState state = SavedHere(age_ms, ago_ms);
  state.boot_number ^= 2;
  state.boot_ms = 123;
  return state;
}

TEST(ClockTest, WithoutAStateTheAgeBeginsAtTheWallClock) {
  const Clock clock({});
  EXPECT_NEAR(static_cast<double>(clock.Now().age_ms), static_cast<double>(Wall_ms()), kTolerance_ms);
  EXPECT_NEAR(static_cast<double>(clock.Now().wall_us), static_cast<double>(Wall_ms()) * 1000, kTolerance_ms * 1000);
  EXPECT_FALSE(clock.rebooted());
}

TEST(ClockTest, WithinOneBootTheAgeGoesOnByTheTimeBetween) {
  const Clock clock(SavedHere(5 * kHour_ms, kHour_ms));
  EXPECT_NEAR(static_cast<double>(clock.Now().age_ms), 6 * kHour_ms, kTolerance_ms);
  EXPECT_FALSE(clock.rebooted());
}

TEST(ClockTest, TheAgeDoesNotRunBackwardsAcrossARestart) {
  for (int i = 0; i < 1000; ++i) {
    const ClockState before = Clock({}).state();
    ASSERT_GE(Clock(before).Now().age_ms, before.age_ms);
  }
}

TEST(ClockTest, WithinOneBootAJumpOfTheWallClockDoesNotCount) {
  for (const std::int64_t jump_ms : {-1000 * kHour_ms, 1000 * kHour_ms}) {
    ClockState before = SavedHere(5 * kHour_ms, kHour_ms);
    before.wall_ms += jump_ms;
    EXPECT_NEAR(static_cast<double>(Clock(before).Now().age_ms), 6 * kHour_ms, kTolerance_ms);
  }
}

TEST(ClockTest, AcrossBootsTheAgeGoesOnByTheWallClock) {
  const Clock clock(SavedOnAnotherBoot(5 * kHour_ms, 2 * kHour_ms));
  EXPECT_NEAR(static_cast<double>(clock.Now().age_ms), 7 * kHour_ms, kTolerance_ms);
  EXPECT_TRUE(clock.rebooted());
}

TEST(ClockTest, AWallClockThatWentBackwardsAcrossBootsCountsAsNoTime) {
  const Clock clock(SavedOnAnotherBoot(5 * kHour_ms, -2 * kHour_ms));
  EXPECT_NEAR(static_cast<double>(clock.Now().age_ms), 5 * kHour_ms, kTolerance_ms);
}

TEST(ClockTest, TheAgeNeverBeginsBelowItsMinimum) {
  const std::int64_t future_ms = Wall_ms() + 1000 * kHour_ms;
  EXPECT_NEAR(static_cast<double>(Clock({}, future_ms).Now().age_ms), static_cast<double>(future_ms), kTolerance_ms);
  const Clock clock(SavedOnAnotherBoot(5 * kHour_ms, 0), 6 * kHour_ms);
  EXPECT_NEAR(static_cast<double>(clock.Now().age_ms), 6 * kHour_ms, kTolerance_ms);
}

TEST(ClockTest, TheAgeRuns) {
  const Clock clock({});
  const std::int64_t start_ms = clock.Now().age_ms;
  EXPECT_TRUE(Eventually([&] { return clock.Now().age_ms > start_ms; }));
}

TEST(ClockTest, TheStateSaysWhatTheNextClockNeeds) {
  const Clock clock(SavedHere(kHour_ms, 0));
  const ClockState state = clock.state();
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  EXPECT_NEAR(static_cast<double>(state.age_ms), kHour_ms, kTolerance_ms);
  EXPECT_NEAR(static_cast<double>(state.wall_ms), static_cast<double>(Wall_ms()), kTolerance_ms);
  EXPECT_NEAR(static_cast<double>(state.boot_ms), static_cast<double>(boot.tv_sec) * 1000, 1000 + kTolerance_ms);
  EXPECT_NE(state.boot_number, 0U);
  EXPECT_EQ(state.boot_number, Clock({}).state().boot_number);
}

TEST(ClockTest, TheTimeInAFilesNameIsUtcWithSeconds) {
  tm utc{};
  const std::string text = FileTimestamp();
  ASSERT_EQ(strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &utc), text.data() + text.size()) << text;
  EXPECT_NEAR(static_cast<double>(timegm(&utc)), static_cast<double>(Wall_ms()) / 1000, 2);
}

// As systemd's ProcSubset=pid does; in a process of its own, whose mounts they are.
class HiddenBootTest : public testing::Test {
 protected:
  static bool Hide() {
    return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("tmpfs", "/proc/sys", "tmpfs", 0, nullptr) == 0;
  }
  template <class Check>
  static void WhereHidden(Check check) {
    constexpr int kCannotHide = 77;
    const pid_t child = fork();
    if (child == 0) _exit(!Hide() ? kCannotHide : check() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kCannotHide) GTEST_SKIP() << "only root can hide /proc/sys";
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
};

TEST_F(HiddenBootTest, EachStartIsTakenForOneAfterAReboot) {
  WhereHidden([] {
    const ClockState before = Clock({}).state();
    const Clock clock(before);
    return clock.rebooted() && !clock.knows_boot() && before.boot_number != 0 && !Clock({}).rebooted();
  });
}

TEST_F(HiddenBootTest, AJumpOfTheWallClockForgetsNothingEarly) {
  WhereHidden([] {
    ClockState before = Clock({}).state();
    before.age_ms = 5 * kHour_ms;
    before.wall_ms -= 1000 * kHour_ms;
    return Clock(before).Now().age_ms < 6 * kHour_ms;
  });
}

TEST_F(HiddenBootTest, AfterARealRebootTheWallClockTellsTheTime) {
  WhereHidden([] {
    ClockState before = Clock({}).state();
    before.age_ms = 5 * kHour_ms;
    before.wall_ms -= kHour_ms;
    before.boot_ms += kHour_ms;  // later in its boot than this one is old
    const std::int64_t age_ms = Clock(before).Now().age_ms;
    return age_ms >= 6 * kHour_ms && age_ms < 7 * kHour_ms;
  });
}

}  // namespace
}  // namespace dedup
