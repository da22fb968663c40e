#include "http_sidecar/server/exchange.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/unit/support/read_head.h"

namespace dedup::sidecar {
namespace {

bool MustClose(std::string_view headers, std::string_view version = "HTTP/1.1") {
  const std::string sent = "GET / " + std::string(version) + "\r\nHost: x\r\n" + std::string(headers) + "\r\n";
  return Exchange(nullptr, nullptr, ReadHead(sent).value()).must_close();
}

TEST(ExchangeTest, AClientMayAskAmongOtherThingsThatTheConnectionIsClosed) {
  for (const std::string_view headers :
       {"Connection: close\r\n", "Connection: Close\r\n", "Connection: close, TE\r\n", "Connection: TE,CLOSE\r\n",
        "connection: TE ,\tclose , Upgrade\r\n", "Connection: ,close\r\n", "Connection: TE\r\nConnection: close\r\n"}) {
    EXPECT_TRUE(MustClose(headers)) << headers;
  }
}

TEST(ExchangeTest, OtherwiseTheConnectionStays) {
  for (const std::string_view headers :
       {"", "Connection:\r\n", "Connection: keep-alive\r\n", "Connection: closed, TE\r\n", "Connection: not close\r\n",
        "Connection: clo,se\r\n", "Close: close\r\n"}) {
    EXPECT_FALSE(MustClose(headers)) << headers;
  }
  EXPECT_TRUE(MustClose("", "HTTP/1.0"));
}

}  // namespace
}  // namespace dedup::sidecar
