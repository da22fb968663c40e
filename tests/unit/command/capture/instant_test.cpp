#include "command/capture/instant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dedup::command {
namespace {

using testing::DoubleNear;
using testing::Optional;

constexpr double kNoon = 1769860800;  // 2026-01-31T12:00:00Z

TEST(InstantTest, ReadsTimesAsProductsWriteThem) {
  for (const char* text :
       {"2026-01-31T12:00:00Z", "2026-01-31 12:00:00", "2026-01-31T12:00:00", "2026/01/31 12:00:00", "20260131T120000Z",
        "20260131120000", "2026-01-31T12:00:00+00:00", "2026-01-31T13:00:00+01:00", "2026-01-31T10:30:00-0130",
        "2026-01-31T12:00:00Z+0000", "2026-01-31 12:00:00 UTC"}) {
    EXPECT_THAT(InstantOf(text), Optional(DoubleNear(kNoon, 1e-6))) << text;
  }
  EXPECT_THAT(InstantOf("2026-01-31T12:00:00.250Z"), Optional(DoubleNear(kNoon + 0.25, 1e-6)));
  EXPECT_THAT(InstantOf("2026-01-31T12:00:00,123456789+00:00"), Optional(DoubleNear(kNoon + 0.123456789, 1e-6)));
}

TEST(InstantTest, ATimeOfDayIsSecondsSinceMidnight) {
  EXPECT_THAT(InstantOf("12:00:01"), Optional(DoubleNear(43201, 1e-9)));
  EXPECT_THAT(InstantOf("00:00:00.5"), Optional(DoubleNear(0.5, 1e-9)));
}

TEST(InstantTest, WhatIsNoTimeIsNone) {
  for (const char* text :
       {"", "noon", "2026-01-31", "2026-13-31T12:00:00Z", "2026-01-32T12:00:00Z", "2026-01-31T12:61:00Z",
        "2026-01-31T12:00:00X", "2026-01-31T12:00:00+1", "2026-01-31T12:00:00.", "17699000001234", "12:00:00h",
        "20260131T120000Z and more of it, far too much"}) {
    EXPECT_EQ(InstantOf(text), std::nullopt) << text;
  }
}

TEST(InstantTest, ANumberIsTheWholeText) {
  EXPECT_THAT(NumberOf("-2.5e3"), Optional(-2500.0));
  EXPECT_EQ(NumberOf(""), std::nullopt);
  EXPECT_EQ(NumberOf("12 "), std::nullopt);
  EXPECT_EQ(NumberOf("nan"), std::nullopt);
  EXPECT_EQ(NumberOf("inf"), std::nullopt);
}

}  // namespace
}  // namespace dedup::command
