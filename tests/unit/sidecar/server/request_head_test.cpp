#include "http_sidecar/server/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http_sidecar/net/client_socket.h"
#include "tests/unit/support/bytes_connection.h"
#include "tests/unit/support/read_head.h"

namespace dedup::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::size_t kLineBytesMax = 8 * 1024;
constexpr std::size_t kHeadBytesMax = 64 * 1024;

std::optional<RequestHead> Read(std::string_view sent, std::string* rest = nullptr, std::size_t piece_bytes = 1000) {
  return ReadHead(sent, rest, piece_bytes);
}

std::string ProblemOf(std::string_view sent) {
  const auto head = Read(sent);
  if (!head) return "nobody to answer";
  return head->problem ? std::string(head->problem->type.name) : "";
}

TEST(RequestHeadTest, IsReadHoweverItComes) {
  constexpr std::string_view kSent =
      "POST /a%20b?c=%20&d HTTP/1.1\r\nHost: x:1\r\nX-A:1\r\nx-a: \t two \t\r\nEmpty:\r\n\r\nbody";
  for (std::size_t piece_bytes = 1; piece_bytes <= kSent.size(); ++piece_bytes) {
    std::string rest;
    const auto head = Read(kSent, &rest, piece_bytes);
    ASSERT_TRUE(head);
    EXPECT_FALSE(head->problem);
    EXPECT_EQ(head->method, "POST");
    EXPECT_EQ(head->target, "/a%20b?c=%20&d");
    EXPECT_EQ(head->path, "/a b");
    EXPECT_FALSE(head->is_http_1_0);
    EXPECT_EQ(head->Header("HOST"), "x:1");
    EXPECT_EQ(head->Header("X-a"), "1, two");
    EXPECT_EQ(head->Header("Empty"), "");
    EXPECT_EQ(rest, "body");
  }
}

TEST(RequestHeadTest, WhatAHeaderSaysIsNotChanged) {
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost: x\r\nce-id: a%2541 %zz \xff\r\n\r\n")->Header("ce-id"), "a%2541 %zz \xff");
}

TEST(RequestHeadTest, HeadersWithAPrefixComeInTheOrderOfTheirNames) {
  const auto head =
      Read("GET / HTTP/1.1\r\nHost: x\r\nce-z: 1\r\nCE-a: 2\r\nce-B: 3\r\nce: 4\r\nce-e:\r\nce-a: 5\r\ncf-: 6\r\n\r\n");
  EXPECT_THAT(head->HeadersAfter("ce-"), ElementsAre(Pair("a", "2"), Pair("a", "5"), Pair("B", "3"), Pair("z", "1")));
  EXPECT_THAT(head->HeadersAfter("x-"), IsEmpty());
}

TEST(RequestHeadTest, TheTargetHasNoFragmentAndItsPathNoQuery) {
  EXPECT_EQ(Read("GET /a#b?c HTTP/1.0\r\n\r\n")->target, "/a");
  EXPECT_TRUE(Read("GET /a#b?c HTTP/1.0\r\n\r\n")->is_http_1_0);
  EXPECT_EQ(Read("GET /a?b?c HTTP/1.1\r\nHost: x\r\n\r\n")->path, "/a");
  EXPECT_EQ(Read("GET /a+b%2Fc?d HTTP/1.1\r\nHost: x\r\n\r\n")->path, "/a+b/c");
  EXPECT_EQ(Read("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")->path, "*");
}

TEST(RequestHeadTest, ARequestLineThatIsNoneIsMalformed) {
  for (const std::string_view line :
       {"GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / HTTP/2.0", "GET / HTTP/1.",
        "GET / HTTP/1.10", "GET / http/1.1", "get / HTTP/1.1", "BREW / HTTP/1.1", "GET /a b HTTP/1.1",
        "GET /\x01 HTTP/1.1", "GET /\t HTTP/1.1", "GET /\x7f HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.1\r"}) {
    EXPECT_EQ(ProblemOf(std::string(line) + "\r\nHost: x\r\n\r\n"), "malformed-request") << line;
  }
  EXPECT_EQ(ProblemOf(std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 20)), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\nHost: x\r\n\r\n"), "malformed-request");
}

TEST(RequestHeadTest, AHeaderThatIsNoneIsMalformed) {
  for (const std::string_view line :
       {"no colon", ": no name", "Content-Length : 5", " Content-Length: 5", "\tgoes on", "two words: x", "a(b): x",
        "\xc3\xa4: x", "X: \x01", "X: a\rb", "X: \x7f", "X: y\r"}) {
    EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(line) + "\r\n\r\n"), "malformed-request") << line;
  }
  EXPECT_EQ(ProblemOf(std::string("GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n", 33)), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: x\r\nX: y\nContent-Length: 5\r\n\r\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: x\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"), "");
}

TEST(RequestHeadTest, OfAMalformedOneNothingIsLeft) {
  const auto head = Read("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n");
  EXPECT_EQ(head->method + head->target + head->path, "");
  EXPECT_THAT(head->headers, IsEmpty());
}

TEST(RequestHeadTest, WhoGoesBeforeItIsWholeHearsNothing) {
  constexpr std::string_view kSent = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < kSent.size(); ++size) {
    EXPECT_EQ(ProblemOf(kSent.substr(0, size)), "nobody to answer") << size;
  }
}

TEST(RequestHeadTest, ATargetMayNameTheHostToo) {
  const auto target_of = [](const std::string& target) {
    const auto head = Read("GET " + target + " HTTP/1.1\r\nHost: other\r\n\r\n");
    return head->problem ? "no" : head->host + " " + head->target + " " + head->path;
  };
  EXPECT_EQ(target_of("http://h:8/stats?a=%20#f"), "h:8 /stats?a=%20 /stats");
  EXPECT_EQ(target_of("HTTPS://[::1]:8/a%20b"), "[::1]:8 /a%20b /a b");
  EXPECT_EQ(target_of("http://h"), "h / /");
  EXPECT_EQ(target_of("http://h?a"), "h /?a /");
  EXPECT_EQ(target_of("/http://h/a"), "other /http://h/a /http://h/a");
  for (const char* const target : {"http:///stats", "http://u@h/", "http://a b/", "ftp://h/", "stats", "?a", "h:80",
                                   "http:/stats", "*", "http://h:x/", "http://[::1/", "http://[g]/"}) {
    EXPECT_EQ(target_of(target), "no") << target;
  }
  EXPECT_EQ(ProblemOf("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"), "");
  EXPECT_EQ(ProblemOf("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), "");
}

TEST(RequestHeadTest, Http11TakesOneHost) {
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\n\r\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("GET http://h/ HTTP/1.1\r\n\r\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.0\r\n\r\n"), "");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), "malformed-request");
  for (const char* const host : {"", "a", "a:80", "a:", "1.2.3.4:5", "[::1]", "[::1]:80", "a%20b", "x_y"}) {
    EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost:" + std::string(host) + "\r\n\r\n"), "") << host;
  }
  for (const char* const host : {"a b", "a/b", "a@b", "a:b", "a:1:2", "[a", "\xc3\xa4"}) {
    EXPECT_EQ(ProblemOf("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), "malformed-request") << host;
  }
}

TEST(RequestHeadTest, LaterMinorVersionsAreUnderstood) {
  for (const char* const version : {"HTTP/1.1", "HTTP/1.2", "HTTP/1.9"}) {
    const auto head = Read("GET / " + std::string(version) + "\r\nHost: x\r\n\r\n");
    EXPECT_FALSE(head->problem || head->is_http_1_0) << version;
  }
}

TEST(RequestHeadTest, OneEmptyLineBeforeItIsSkipped) {
  EXPECT_EQ(ProblemOf("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_EQ(ProblemOf("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), "malformed-request");
  EXPECT_EQ(ProblemOf("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), "malformed-request");
}

TEST(RequestHeadTest, TheNextHeadBeginsAnew) {
  const std::string sent = "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\nGET /b HTTP/1.0\r\n\r\n";
  BytesConnection connection(sent);
  ClientSocket socket(&connection, AlwaysPatient);
  HeadReader reader;
  EXPECT_FALSE(reader.has_begun());
  EXPECT_EQ(reader.ReadSome(&socket), ClientSocket::Progress::kDone);
  EXPECT_TRUE(reader.has_begun());
  EXPECT_EQ(reader.Take().path, "/a");
  EXPECT_FALSE(reader.has_begun());
  EXPECT_EQ(reader.ReadSome(&socket), ClientSocket::Progress::kDone);
  const RequestHead second = reader.Take();
  EXPECT_EQ(second.path, "/b");
  EXPECT_THAT(second.headers, IsEmpty());
}

// What a million of them would take is what counts, taken apart too.
TEST(RequestHeadTest, TheMemoryOfShortHeadersIsKnown) {
  std::string sent = "GET / HTTP/1.1\r\n";
  while (sent.size() < 60'000) sent += "a:\r\n";
  BytesConnection connection(sent);
  ClientSocket socket(&connection, AlwaysPatient);
  HeadReader reader;
  EXPECT_EQ(reader.ReadSome(&socket), ClientSocket::Progress::kGone);
  EXPECT_GT(reader.memory_bytes(), 2'000'000U);
}

TEST(RequestHeadTest, ARequestLineMayHave8KiB) {
  const auto line_of = [](std::size_t size) {
    const std::string_view begin = "GET /", end = " HTTP/1.1\r\n";
    return std::string(begin) + std::string(size - begin.size() - end.size(), 'x') + std::string(end) +
           "Host: x\r\n\r\n";
  };
  EXPECT_EQ(ProblemOf(line_of(kLineBytesMax)), "");
  EXPECT_EQ(ProblemOf(line_of(kLineBytesMax + 1)), "target-too-long");
  EXPECT_EQ(ProblemOf(std::string(1'000'000, 'x')), "target-too-long");
}

TEST(RequestHeadTest, AHeaderMayHave8KiBAndAHead64KiB) {
  const auto header_of = [](std::size_t size) { return "X:" + std::string(size - 4, 'y') + "\r\n"; };
  const std::string first = "GET / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(ProblemOf(first + header_of(kLineBytesMax) + "\r\n"), "");
  EXPECT_EQ(ProblemOf(first + header_of(kLineBytesMax + 1) + "\r\n"), "head-too-large");
  std::string head = first;
  while (head.size() + kLineBytesMax < kHeadBytesMax) head += header_of(kLineBytesMax);
  const std::size_t left = kHeadBytesMax - head.size() - 2;
  EXPECT_EQ(ProblemOf(head + header_of(left) + "\r\n"), "");
  EXPECT_EQ(ProblemOf(head + header_of(left + 1) + "\r\n"), "head-too-large");
  EXPECT_EQ(ProblemOf(head + header_of(left) + header_of(10) + "\r\n"), "head-too-large");
}

TEST(RequestHeadTest, MayHaveAnyNumberOfHeaders) {
  std::string sent = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 5000; ++i) sent += "X" + std::to_string(i) + ": y\r\n";
  const auto head = Read(sent + "\r\n");
  EXPECT_FALSE(head->problem);
  EXPECT_EQ(head->headers.size(), 5001U);
}

}  // namespace
}  // namespace dedup::sidecar
