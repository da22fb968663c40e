#include "http_sidecar/server/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dedup::sidecar {
namespace {

TEST(AccessLogTest, ALineIsJsonAndShowsNoQuery) {
  EXPECT_EQ(AccessLine({.method = "GET",
                        .target = "/events?token=secret",
                        .status = 200,
                        .bytes = 12,
                        .took = std::chrono::microseconds(1500),
                        .client = "[::1]:1",
                        .request_id = "a-1"},
                       0),
            R"({"time":"1970-01-01T00:00:00.000000Z","method":"GET","path":"/events","status":200,"bytes":12,)"
            R"("duration_ms":1.500,"client":"[::1]:1","request_id":"a-1"})");
}

TEST(AccessLogTest, WhatAClientWroteStaysOnItsLine) {
  const std::string line = AccessLine({.method = "G\"ET",
                                       .target = "/\xff\n\x1b[31m",
                                       .status = 400,
                                       .bytes = 0,
                                       .took = {},
                                       .client = "",
                                       .request_id = ""},
                                      0);
  EXPECT_THAT(line, testing::HasSubstr(R"("method":"G\"ET","path":"/%FF%0A%1B[31m")"));
}

TEST(AccessLogTest, ARequestKeepsItsIdWhereItIsHarmless) {
  EXPECT_EQ(RequestId("0af7-00f0:67aa/1"), "0af7-00f0:67aa/1");
  for (const std::string given : {"", "two words", "\"", "a\nb", "\xc3\xa4", std::string(129, 'x').c_str()}) {
    const std::string made = RequestId(given);
    EXPECT_NE(made, given);
    EXPECT_NE(made, RequestId(given));
    EXPECT_EQ(RequestId(made), made);
  }
}

}  // namespace
}  // namespace dedup::sidecar
