#include "http_sidecar/server/admission.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/support/read_head.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup::sidecar {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  // Tokens are asked for from now on; returns one for publishing and reading below a/.
  std::string AskForTokens() {
    const NewToken made = MakeToken("gateway publish:a/# read:a/#");
    std::ofstream(dir_ / "tokens") << made.line << "\n";
    tokens_ = std::make_unique<Tokens>(dir_ / "tokens");
    Begin();
    return made.token;
  }
  void Begin() { admission_ = std::make_unique<Admission>(tokens_.get(), limits_); }

  Exchange Admit(std::string_view sent) {
    Exchange exchange(nullptr, nullptr, ReadHead(sent).value());
    admission_->Admit(network_, &exchange);
    return exchange;
  }
  // "404 {…}" or, for who is let in, nothing.
  std::string RefusalOf(std::string_view sent) {
    const Exchange exchange = Admit(sent);
    return exchange.refusal ? std::to_string(exchange.refusal->status) + " " + exchange.refusal->body : "";
  }
  std::string RefusalOfPost(std::string_view headers) {
    return RefusalOf("POST /publish HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n");
  }
  static std::string HeaderOf(const Exchange& exchange, std::string_view name) {
    for (const auto& [found, value] : exchange.refusal->headers) {
      if (found == name) return value;
    }
    return "";
  }

  TempDir dir_;
  ClientLimits limits_;
  std::string network_ = "1234";
  std::unique_ptr<Tokens> tokens_ = std::make_unique<Tokens>(std::nullopt);
  std::unique_ptr<Admission> admission_ = std::make_unique<Admission>(tokens_.get(), limits_);
};

#define EXPECT_REFUSED(refusal, status, name)                                            \
  do {                                                                                   \
    const std::string text = (refusal);                                                  \
    EXPECT_TRUE(text.starts_with(status " ")) << text;                                   \
    EXPECT_NE(text.find("\"urn:mosquitto-dedup:problem:" name "\""), text.npos) << text; \
  } while (false)

TEST_F(AdmissionTest, AnOrdinaryRequestIsLetIn) {
  for (const std::string_view sent :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS /publish HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n",
        "POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nContent-Encoding: GZIP\r\n\r\n"}) {
    EXPECT_EQ(RefusalOf(sent), "") << sent;
  }
}

TEST_F(AdmissionTest, AHeadThatCannotBeUnderstoodIsNotLookedAt) {
  limits_.requests_per_s = 1;
  Begin();
  EXPECT_REFUSED(RefusalOf("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "400", "malformed-request");
  EXPECT_REFUSED(RefusalOf("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "400", "malformed-request");
}

TEST_F(AdmissionTest, WhatThereIsNotAndWhatItDoesNotTake) {
  EXPECT_REFUSED(RefusalOf("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "not-found");
  EXPECT_REFUSED(RefusalOf("OPTIONS /nope HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "not-found");
  EXPECT_REFUSED(RefusalOf("GET /* HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "not-found");
  const Exchange exchange = Admit("DELETE /events HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(exchange.refusal->status, 405);
  EXPECT_EQ(HeaderOf(exchange, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(AdmissionTest, WhereTokensAreAskedForTheyDecide) {
  const std::string token = AskForTokens();
  const std::string bearer = "Authorization: Bearer " + token + "\r\n";
  EXPECT_REFUSED(RefusalOf("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"), "401", "token-missing");
  EXPECT_REFUSED(RefusalOf("GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n"), "401",
                 "token-unknown");
  EXPECT_REFUSED(RefusalOf("GET /metrics HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\n"), "403", "scope-missing");
  const Exchange exchange = Admit("GET /events HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\n");
  EXPECT_FALSE(exchange.refusal);
  EXPECT_EQ(exchange.caller.name(), "gateway");
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_EQ(RefusalOf("OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n"), "");
}

TEST_F(AdmissionTest, WhoIsRefusedIsNotToldMoreThanHeMayKnow) {
  AskForTokens();
  EXPECT_REFUSED(RefusalOfPost("Content-Length: five\r\n"), "401", "token-missing");
}

TEST_F(AdmissionTest, PagesOfOthersMayNotPublish) {
  const std::string length = "Content-Length: 2\r\n";
  EXPECT_REFUSED(RefusalOfPost(length + "Origin: https://a.example\r\n"), "403", "foreign-page");
  EXPECT_REFUSED(RefusalOfPost(length + "Sec-Fetch-Site: cross-site\r\n"), "403", "foreign-page");
  EXPECT_EQ(RefusalOf("GET /events HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n"), "");
  limits_.cors_origin = "https://a.example";
  Begin();
  EXPECT_EQ(RefusalOfPost(length + "Origin: https://a.example\r\n"), "");
  const std::string token = AskForTokens();
  EXPECT_EQ(RefusalOfPost(length + "Origin: https://b.example\r\nAuthorization: Bearer " + token + "\r\n"), "");
}

TEST_F(AdmissionTest, WhereTheHostMustBeLocalNamesOfOthersAreRefused) {
  const auto with_host = [](const std::string& host) { return "GET /events HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; };
  EXPECT_EQ(RefusalOf(with_host("a.example")), "");
  admission_->RequireLocalHost({"my.name", "other.name"});
  EXPECT_REFUSED(RefusalOf(with_host("a.example")), "403", "foreign-page");
  EXPECT_EQ(RefusalOf(with_host("my.name:80")), "");
  EXPECT_EQ(RefusalOf(with_host("Other.Name")), "");
  EXPECT_EQ(RefusalOf(with_host("127.0.0.1")), "");
  EXPECT_REFUSED(RefusalOf("GET http://a.example/events HTTP/1.1\r\nHost: localhost\r\n\r\n"), "403", "foreign-page");
  EXPECT_EQ(RefusalOf("GET http://localhost/events HTTP/1.1\r\nHost: a.example\r\n\r\n"), "");
  EXPECT_EQ(RefusalOf("GET /events HTTP/1.0\r\n\r\n"), "");
}

TEST_F(AdmissionTest, WhoAsksTooOftenIsToldWhenToTryAgain) {
  limits_.requests_per_s = 1;
  Begin();
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  const Exchange exchange = Admit("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(exchange.refusal->status, 429);
  EXPECT_EQ(HeaderOf(exchange, "Retry-After"), "1");
  EXPECT_FALSE(exchange.is_last);
  network_ = "5678";
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
}

TEST_F(AdmissionTest, WhereSomethingIsSharedATokenCountsAndWithoutOneTheNetwork) {
  EXPECT_EQ(Admit("GET / HTTP/1.0\r\n\r\n").client, " 1234");
  const std::string token = AskForTokens();
  EXPECT_EQ(Admit("GET / HTTP/1.0\r\nAuthorization: Bearer " + token + "\r\n\r\n").client, "gateway");
  EXPECT_EQ(Admit("GET / HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n").client, " 1234");
  EXPECT_EQ(Admit("BREW / HTTP/1.0\r\n\r\n").client, " 1234");
}

TEST_F(AdmissionTest, WhatIsRefusedOrPromptWaitsForNobody) {
  for (const std::string_view sent :
       {"GET /healthz HTTP/1.0\r\n\r\n", "GET /health HTTP/1.0\r\n\r\n", "GET /readyz HTTP/1.0\r\n\r\n",
        "GET /nope HTTP/1.0\r\n\r\n", "OPTIONS /publish HTTP/1.0\r\n\r\n", "BREW / HTTP/1.0\r\n\r\n"}) {
    EXPECT_FALSE(Admit(sent).may_wait()) << sent;
  }
  EXPECT_TRUE(Admit("GET / HTTP/1.0\r\n\r\n").may_wait());
  EXPECT_TRUE(Admit("POST /publish HTTP/1.0\r\nContent-Length: 2\r\n\r\n").may_wait());
}

TEST_F(AdmissionTest, ABodyWhoseEndIsUnclearIsRefused) {
  for (const std::string_view headers :
       {"Content-Length: five\r\n", "Content-Length: -5\r\n", "Content-Length: +5\r\n", "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length:\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_REFUSED(RefusalOfPost(headers), "400", "malformed-request");
    EXPECT_REFUSED(RefusalOf("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n"), "400",
                   "malformed-request");
  }
  EXPECT_REFUSED(RefusalOf("POST /publish HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400", "malformed-request");
  EXPECT_REFUSED(RefusalOfPost(""), "400", "malformed-request");
  EXPECT_REFUSED(RefusalOfPost("Content-Length: 0\r\n"), "400", "malformed-request");
}

TEST_F(AdmissionTest, ABodyHasALimitAndAStreamOfLinesHasNone) {
  const std::string lines = "Content-Type: application/x-ndjson; charset=utf-8\r\n";
  EXPECT_EQ(RefusalOfPost("Content-Length: 16777216\r\n"), "");
  EXPECT_REFUSED(RefusalOfPost("Content-Length: 16777217\r\n"), "413", "too-large");
  EXPECT_EQ(RefusalOfPost(lines + "Content-Length: 999999999999999999\r\n"), "");
  EXPECT_REFUSED(RefusalOfPost(lines + "Content-Length: 1000000000000000000\r\n"), "413", "too-large");
}

TEST_F(AdmissionTest, ABodyInAnotherEncodingIsRefused) {
  const std::string length = "Content-Length: 2\r\n";
  EXPECT_EQ(RefusalOfPost(length + "Content-Encoding: Identity\r\n"), "");
  EXPECT_EQ(RefusalOfPost(length + "Content-Encoding: X-Gzip\r\n"), "");
  for (const std::string_view coding : {"br", "deflate", "gzip, gzip"}) {
    EXPECT_REFUSED(RefusalOfPost(length + "Content-Encoding: " + std::string(coding) + "\r\n"), "415",
                   "unsupported-encoding");
  }
  EXPECT_REFUSED(RefusalOfPost(length + "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n"), "415",
                 "unsupported-encoding");
}

TEST_F(AdmissionTest, ARangeIsIgnoredWhereItCanBeUnderstood) {
  const auto with_range = [](const std::string& range) {
    return "GET / HTTP/1.1\r\nHost: x\r\nRange: " + range + "\r\n\r\n";
  };
  for (const char* const range : {"bytes=0-3", "bytes=4-", "bytes=-5", "bytes=0-1,3-4", "bytes=0-1, \t3-4", ""}) {
    EXPECT_EQ(RefusalOf(with_range(range)), "") << range;
  }
  for (const char* const range : {"bytes=a-b", "bytes=", "bytes=1", "bytes=1--2", "bytes=1-2,", "items=1-2", "0-3"}) {
    EXPECT_REFUSED(RefusalOf(with_range(range)), "416", "invalid-range");
  }
}

}  // namespace
}  // namespace dedup::sidecar
