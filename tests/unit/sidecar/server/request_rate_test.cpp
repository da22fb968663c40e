#include "http_sidecar/server/request_rate.h"

#include <gtest/gtest.h>

#include <string>

#include "http_sidecar/net/connection_counts.h"

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using Clock = RequestRate::Clock;

int Allowed(RequestRate* rate, const std::string& client, Clock::time_point now, int asked) {
  int allowed = 0;
  for (int i = 0; i < asked; ++i) allowed += rate->Excess(client, now) ? 0 : 1;
  return allowed;
}

TEST(RequestRateTest, ASecondsWorthAtOnceThenTheRate) {
  RequestRate rate(10);
  const Clock::time_point start = Clock::now();
  EXPECT_EQ(Allowed(&rate, "a", start, 50), 10);
  EXPECT_EQ(rate.Excess("a", start), milliseconds(100)) << "what is refused does not count";
  EXPECT_EQ(Allowed(&rate, "b", start, 50), 10);
  EXPECT_EQ(Allowed(&rate, "a", start + milliseconds(250), 50), 2);
  EXPECT_EQ(Allowed(&rate, "a", start + milliseconds(10'000), 50), 10);
}

TEST(RequestRateTest, WithoutARateThereIsNoLimit) {
  RequestRate rate(0);
  EXPECT_EQ(Allowed(&rate, "a", Clock::now(), 1000), 1000);
}

TEST(RequestRateTest, ManyClientsShareARateBeyondThoseThatAreRemembered) {
  RequestRate rate(1);
  const Clock::time_point start = Clock::now();
  for (int i = 0; i <= 10'000; ++i) EXPECT_FALSE(rate.Excess(std::to_string(i), start));
  EXPECT_FALSE(rate.Excess("one more", start));
  EXPECT_TRUE(rate.Excess("another", start));
  EXPECT_TRUE(rate.Excess("0", start)) << "the others keep theirs";
  EXPECT_FALSE(rate.Excess("another", start + milliseconds(1001))) << "the old ones are forgotten";
  EXPECT_FALSE(rate.Excess("yet another", start + milliseconds(1001)));
}

TEST(ConnectionCountsTest, APlaceIsFreeAgainWhenItIsGone) {
  ConnectionCounts counts(2);
  auto first = counts.Enter("a"), second = counts.Enter("a");
  EXPECT_TRUE(first && second && counts.Enter("b"));
  EXPECT_FALSE(counts.Enter("a"));
  first.reset();
  EXPECT_TRUE(counts.Enter("a"));
  ConnectionCounts unlimited(0);
  EXPECT_TRUE(unlimited.Enter("a") && unlimited.Enter("a"));
}

}  // namespace
}  // namespace dedup::sidecar
