#include "http_sidecar/base/uptime.h"

#include <gtest/gtest.h>

namespace dedup::sidecar {
namespace {

TEST(UptimeTest, ReadsLikeTheEarlierServices) {
  using std::chrono::seconds;
  EXPECT_EQ(FormatUptime(seconds(0)), "0:00:00");
  EXPECT_EQ(FormatUptime(seconds(7)), "0:00:07");
  EXPECT_EQ(FormatUptime(seconds(59 * 60 + 59)), "0:59:59");
  EXPECT_EQ(FormatUptime(seconds(10 * 3600)), "10:00:00");
  EXPECT_EQ(FormatUptime(seconds(86'399)), "23:59:59");
  EXPECT_EQ(FormatUptime(seconds(86'400)), "1 day, 0:00:00");
  EXPECT_EQ(FormatUptime(seconds(90'061)), "1 day, 1:01:01");
  EXPECT_EQ(FormatUptime(seconds(200'000)), "2 days, 7:33:20");
  EXPECT_EQ(FormatUptime(seconds(86'400LL * 1000)), "1000 days, 0:00:00");
}

}  // namespace
}  // namespace dedup::sidecar
