#include "http_sidecar/base/time.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace dedup::sidecar {
namespace {

TEST(TimestampTest, DatesAndDateTimesWithAndWithoutZone) {
  for (const char* text :
       {"2024-01-02", "2024-01-02T03:04", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "2024-01-02t03:04:05z",
        "2024-01-02 03:04:05", "2024-01-02T03:04:05.1", "2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05,5Z",
        "2024-01-02T03:04Z", "2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05-0330", "2024-01-02T03:04:05+14",
        "2024-01-02T23:59:59.999-23:59", "0001-01-01", "9999-12-31T23:59:59Z"}) {
    EXPECT_TRUE(IsTimestamp(text)) << text;
  }
}

TEST(TimestampTest, BasicForms) {
  for (const char* text : {"20240102", "20240102T0304", "20240102T030405", "20240102T030405Z",
                           "20240102T030405.25+0100", "20240102T0304Z", "20240102T0304+01:00"}) {
    EXPECT_TRUE(IsTimestamp(text)) << text;
  }
}

TEST(TimestampTest, OnlyDaysThatAreInTheCalendar) {
  for (const char* text : {"2024-02-29", "2000-02-29", "2023-04-30", "20240229T00:00"}) {
    EXPECT_EQ(IsTimestamp(text), text[4] == '-') << text;
  }
  for (const char* text : {"2023-02-29", "1900-02-29", "2024-02-30", "2024-13-01", "2024-00-01", "2024-01-00",
                           "2024-01-32", "2023-04-31", "0000-01-01", "20230229"}) {
    EXPECT_FALSE(IsTimestamp(text)) << text;
  }
}

TEST(TimestampTest, OnlyTimesThatAreOnTheClock) {
  for (const char* text : {"2024-01-02T24:00:00", "2024-01-02T23:60:00", "2024-01-02T23:59:61", "2024-01-02T25:00",
                           "2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05+01:60"}) {
    EXPECT_FALSE(IsTimestamp(text)) << text;
  }
}

TEST(TimestampTest, LeapSecondOnlyBeforeMidnightUtc) {
  for (const char* text : {"2016-12-31T23:59:60Z", "2016-12-31T23:59:60", "2017-01-01T00:59:60+01:00",
                           "2017-01-01T05:29:60.5+05:30", "2016-12-31T15:59:60-08:00", "20161231T235960Z"}) {
    EXPECT_TRUE(IsTimestamp(text)) << text;
  }
  for (const char* text : {"2016-12-31T23:58:60Z", "2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00"}) {
    EXPECT_FALSE(IsTimestamp(text)) << text;
  }
}

TEST(TimestampTest, AnythingElseIsRefused) {
  for (const char* text : {"",
                           " ",
                           "now",
                           "1704164645",
                           "2024",
                           "2024-01",
                           "2024-1-2",
                           "24-01-02",
                           "2024-01-02T",
                           "2024-01-02T03",
                           "2024-01-02T3:04",
                           "2024-01-02T03:04:",
                           "2024-01-02T03:04:5",
                           "2024-01-02T03:04:05.",
                           "2024-01-02T03:04:05.Z",
                           "2024-01-02T03:04:05ZZ",
                           "2024-01-02T03:04:05 Z",
                           "2024-01-02T03:04:05+",
                           "2024-01-02T03:04:05+1",
                           "2024-01-02T03:04:05+01:",
                           "2024-01-02Z",
                           "2024-01-02+01:00",
                           "2024-01-02  03:04",
                           "2024-01-02_03:04",
                           " 2024-01-02",
                           "2024-01-02 ",
                           "2024-01-02\n",
                           "-2024-01-02",
                           "+2024-01-02",
                           "2024/01/02",
                           "2024-0102",
                           "202401-02",
                           "2024-01-02T0304",
                           "20240102T03:04",
                           "20240102T03:04:05",
                           "2024-W01-1",
                           "2024-123",
                           "2024-01-02T03:04:05,",
                           "２０２４-01-02"}) {
    EXPECT_FALSE(IsTimestamp(text)) << text;
  }
  EXPECT_FALSE(IsTimestamp(std::string_view("2024-01-02\0", 11)));
}

TEST(TimestampTest, IsATimeInMicroseconds) {
  constexpr std::int64_t kDayUs = 86'400'000'000;
  EXPECT_EQ(ParseTimestamp("1970-01-01"), 0);
  EXPECT_EQ(ParseTimestamp("19700102"), kDayUs);
  EXPECT_EQ(ParseTimestamp("1970-01-02T00:00:01.5Z"), kDayUs + 1'500'000);
  EXPECT_EQ(ParseTimestamp("1970-01-02T00:00:00.0000019Z"), kDayUs + 1);
  EXPECT_EQ(ParseTimestamp("1970-01-02 00:30+01:00"), kDayUs - 1'800'000'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01T23:30:00-0100"), kDayUs + 1'800'000'000);
  EXPECT_EQ(ParseTimestamp("1972-06-30T23:59:60Z"), ParseTimestamp("1972-07-01"));
  EXPECT_EQ(ParseTimestamp("9999-12-31T23:59:59.999999Z"), 253'402'300'799'999'999);
  EXPECT_EQ(ParseTimestamp("0001-01-01"), -62'135'596'800'000'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01T"), std::nullopt);
}

TEST(FormatTimeTest, BeforeAndAfterTheEpoch) {
  for (const std::int64_t us : {1'000'007, 1'999'999, 1'000'000}) {  // of one second
    EXPECT_EQ(FormatTime(us), "1970-01-01T00:00:01." + std::to_string(us).substr(1) + "Z");
  }
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(951'782'400'000'001), "2000-02-29T00:00:00.000001Z");
  EXPECT_EQ(FormatTime(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(std::numeric_limits<std::int64_t>::min()), "0001-01-01T00:00:00.000000Z");
}

TEST(HttpDateTest, IsAsHttpWritesIt) {
  EXPECT_EQ(HttpDate(784'111'777'999'999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(1'709'251'199'000'000), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(FormatUptimeTest, ReadsLikeTheEarlierServices) {
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
