#include "plugin/core/base/log.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <string>
#include <thread>

namespace dedup {
namespace {

TEST(LogTest, LinesComeOutInTheirOrderAndOnce) {
  LogQueue log;
  EXPECT_TRUE(log.empty());
  log.Add(LogLevel::kError, "first");
  log.Add(LogLevel::kNotice, "second");
  EXPECT_FALSE(log.empty());
  const auto lines = log.Take();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, "first");
  EXPECT_EQ(lines[0].level, LogLevel::kError);
  EXPECT_EQ(lines[1].text, "second");
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(log.Take().empty());
}

TEST(LogTest, TakesLinesFromAnyThread) {
  LogQueue log;
  std::thread other([&log] {
    for (int i = 0; i < 1000; ++i) log.Add(LogLevel::kNotice, "line");
  });
  std::size_t taken = 0;
  while (taken < 1000) {
    if (!log.empty()) taken += log.Take().size();
  }
  other.join();
  EXPECT_EQ(taken, 1000U);
}

TEST(LogTest, ALineThatCannotBeMadeIsLostAndNothingElse) {
  LogQueue log;
  log.AddMade(LogLevel::kError, []() -> std::string { throw std::bad_alloc(); });
  EXPECT_TRUE(log.empty());
  log.AddMade(LogLevel::kError, [] { return "made"; });
  EXPECT_EQ(log.Take().at(0).text, "made");
}

TEST(LogTest, OncePerMinuteAllowsTheFirstAndThenOneAMinute) {
  OncePerMinute once;
  EXPECT_TRUE(once.Allow(5));
  EXPECT_FALSE(once.Allow(6));
  EXPECT_FALSE(once.Allow(60'004));
  EXPECT_TRUE(once.Allow(60'005));
  EXPECT_FALSE(once.Allow(120'004));
  EXPECT_TRUE(once.Allow(500'000));
}

}  // namespace
}  // namespace dedup
