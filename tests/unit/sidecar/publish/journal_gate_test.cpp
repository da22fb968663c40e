#include "http_sidecar/publish/journal_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;

class JournalGateTest : public testing::Test {
 protected:
  std::atomic<std::uint64_t> used_bytes_ = 0;
  JournalGate gate_{[this] {
    Statistics statistics;
    statistics.journal_used_bytes = used_bytes_;
    statistics.journal_size_bytes = 1400;
    return statistics;
  }};
};

TEST_F(JournalGateTest, LetsInWhatFitsAndCountsThoseInside) {
  used_bytes_ = 300;
  std::optional<JournalGate::Pass> first, second, third;
  EXPECT_TRUE(gate_.Enter(200, milliseconds(0), &first));
  EXPECT_TRUE(gate_.Enter(200, milliseconds(0), &second));
  EXPECT_FALSE(gate_.Enter(1, milliseconds(0), &third));
  first.reset();
  EXPECT_TRUE(gate_.Enter(200, milliseconds(0), &third));
}

TEST_F(JournalGateTest, WaitsUntilTheStoreHasCaughtUp) {
  used_bytes_ = 700;
  std::optional<JournalGate::Pass> pass;
  EXPECT_FALSE(gate_.Enter(100, milliseconds(1), &pass));
  EXPECT_FALSE(pass.has_value());
  std::thread writer([this] { used_bytes_ = 100; });
  EXPECT_TRUE(gate_.Enter(100, std::chrono::minutes(1), &pass));
  writer.join();
}

TEST_F(JournalGateTest, ABatchThatIsLargerThanTheJournalGoesInAlone) {
  used_bytes_ = 350;
  std::optional<JournalGate::Pass> large, other;
  EXPECT_TRUE(gate_.Enter(5000, milliseconds(0), &large));
  EXPECT_FALSE(gate_.Enter(5000, milliseconds(0), &other));
  large.reset();
  used_bytes_ = 351;
  EXPECT_FALSE(gate_.Enter(5000, milliseconds(0), &other));
}

TEST_F(JournalGateTest, WhatCannotBeReadIsTheCallersBusiness) {
  JournalGate gate([]() -> Statistics { throw std::runtime_error("away"); });
  std::optional<JournalGate::Pass> pass;
  EXPECT_THROW(gate.Enter(1, milliseconds(0), &pass), std::runtime_error);
}

}  // namespace
}  // namespace dedup::sidecar
