#include "http_sidecar/net/body_reader.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http_sidecar/net/client_socket.h"
#include "tests/unit/support/bytes_connection.h"

namespace dedup::sidecar {
namespace {

// What came of a body that a client sent in pieces, and what it had sent behind it.
struct ReadBody {
  std::string body;
  std::string rest;
};

ReadBody Read(std::string_view sent, bool is_chunked, std::uint64_t length = 0, std::size_t piece_bytes = 1000) {
  BytesConnection connection(sent, piece_bytes);
  ClientSocket socket(&connection, [] { return kPatience; });
  BodyReader reader(&socket, is_chunked, length);
  ReadBody read;
  while (reader.ReadSome(&read.body)) {
  }
  EXPECT_FALSE(reader.ReadSome(&read.body));  // and so it stays
  for (char c; socket.Read(&c, 1) == 1;) read.rest.push_back(c);
  return read;
}

constexpr std::string_view kChunked = "3\r\nabc\r\n00A;x=y\r\n0123456789\r\n0\r\nT: trailer\r\n\r\n";

TEST(BodyReaderTest, ABodyOfSomeLengthEndsThereAndWhatFollowsIsLeft) {
  const ReadBody read = Read("abcdeGET", /*is_chunked=*/false, 5);
  EXPECT_EQ(read.body, "abcde");
  EXPECT_EQ(read.rest, "GET");
  EXPECT_EQ(Read("GET", /*is_chunked=*/false, 0).rest, "GET");
}

TEST(BodyReaderTest, ChunksAreReadHoweverTheyCome) {
  for (std::size_t piece_bytes = 1; piece_bytes <= kChunked.size(); ++piece_bytes) {
    const ReadBody read = Read(std::string(kChunked) + "GET", /*is_chunked=*/true, 0, piece_bytes);
    EXPECT_EQ(read.body, "abc0123456789");
    EXPECT_EQ(read.rest, "GET");
  }
}

TEST(BodyReaderTest, ABodyThatIsCutAnywhereIsAnError) {
  for (std::size_t size = 0; size < kChunked.size(); ++size) {
    EXPECT_THROW(Read(kChunked.substr(0, size), /*is_chunked=*/true), std::runtime_error) << size;
  }
  EXPECT_THROW(Read("abcd", /*is_chunked=*/false, 5), std::runtime_error);
}

TEST(BodyReaderTest, WhatIsNoChunkIsAnError) {
  for (const std::string_view malformed : {"\r\n",
                                           "x\r\nabc\r\n0\r\n\r\n",
                                           "-3\r\nabc\r\n0\r\n\r\n",
                                           "+3\r\nabc\r\n0\r\n\r\n",
                                           "0x3\r\nabc\r\n0\r\n\r\n",
                                           " 3\r\nabc\r\n0\r\n\r\n",
                                           "3 \r\nabc\r\n0\r\n\r\n",
                                           "3\nabc\r\n0\r\n\r\n",
                                           "3\r\nabcd\r\n0\r\n\r\n",
                                           "3\r\nabc\n0\r\n\r\n",
                                           "3\r\nabc0\r\n\r\n",
                                           "0x64\r\nabc\r\n0\r\n\r\n",
                                           "3;\x01\r\nabc\r\n0\r\n\r\n",
                                           "3;a\rb\r\nabc\r\n0\r\n\r\n",
                                           "0\r\nno colon\r\n\r\n",
                                           "0\r\nT : x\r\n\r\n",
                                           "0\r\n folded\r\n\r\n",
                                           ";x\r\n\r\n",
                                           "10000000000000000\r\nabc\r\n0\r\n\r\n",
                                           "0\r\nT: x\n\r\n"}) {
    EXPECT_THROW(Read(malformed, /*is_chunked=*/true), std::runtime_error) << malformed;
  }
  EXPECT_EQ(Read("3 \t;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", /*is_chunked=*/true).body, "abc");  // RFC 9112, 7.1.1
}

TEST(BodyReaderTest, LinesAndTrailersHaveLimits) {
  EXPECT_NO_THROW(Read("0;" + std::string(8000, 'x') + "\r\n\r\n", /*is_chunked=*/true));
  EXPECT_THROW(Read("0;" + std::string(9000, 'x') + "\r\n\r\n", /*is_chunked=*/true), std::runtime_error);
  const auto with_trailers = [](int count) {
    std::string body = "0\r\n";
    for (int i = 0; i < count; ++i) body += "T: x\r\n";
    return body + "\r\n";
  };
  EXPECT_NO_THROW(Read(with_trailers(100), /*is_chunked=*/true));
  EXPECT_THROW(Read(with_trailers(101), /*is_chunked=*/true), std::runtime_error);
}

}  // namespace
}  // namespace dedup::sidecar
