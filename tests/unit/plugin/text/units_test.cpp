#include "plugin/core/text/units.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace dedup {
namespace {

using namespace std::chrono_literals;

TEST(UnitsTest, DurationsHaveAUnit) {
  const std::pair<std::string_view, std::chrono::milliseconds> kTable[] = {
      {"0", 0ms},   {"0ms", 0ms}, {"0d", 0ms},     {"1ms", 1ms},    {"250ms", 250ms},        {"5s", 5s},
      {"1m", 1min}, {"12h", 12h}, {"7d", 7 * 24h}, {"00010s", 10s}, {"36500d", 36'500 * 24h}};
  for (const auto& [text, duration] : kTable) EXPECT_EQ(ParseDuration(text), duration) << text;
}

TEST(UnitsTest, WhatIsNoDurationOrLongerThanAHundredYearsIsNone) {
  for (const std::string_view text : {"",
                                      " ",
                                      "5",
                                      "-1s",
                                      "+5s",
                                      "5 s",
                                      " 5s",
                                      "5s ",
                                      "5S",
                                      "5sec",
                                      "1.5s",
                                      "s",
                                      "ms",
                                      "forever",
                                      "5s5",
                                      "0x5s",
                                      "5K",
                                      "36501d",
                                      "9223372036854775807ms",
                                      "9223372036854775808ms",
                                      "18446744073709551616ms",
                                      "99999999999999999999d"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(UnitsTest, SizesHaveAUnit) {
  const std::pair<std::string_view, std::uint64_t> kTable[] = {{"0", 0},
                                                               {"0K", 0},
                                                               {"1K", 1024},
                                                               {"64M", 64U << 20},
                                                               {"64G", std::uint64_t{64} << 30},
                                                               {"8589934591G", std::uint64_t{8589934591} << 30}};
  for (const auto& [text, size] : kTable) EXPECT_EQ(ParseSize(text), size) << text;
  EXPECT_LE(*ParseSize("8589934591G"), std::uint64_t{std::numeric_limits<std::int64_t>::max()});
}

TEST(UnitsTest, WhatIsNoSizeOrNeedsMoreThan63BitsIsNone) {
  for (const std::string_view text : {"", "64", "65536", "64k", "64KB", "1.5M", "-64M", "M", "64 M", "64s", "64T",
                                      "8589934592G", "17179869184G", "9223372036854775807G", "18446744073709551616K"}) {
    EXPECT_FALSE(ParseSize(text)) << text;
  }
}

}  // namespace
}  // namespace dedup
