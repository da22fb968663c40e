#include "http_sidecar/net/gunzip.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dedup::sidecar {
namespace {

using namespace std::string_literals;

// Made by gzip(1): "hello\n", and a member that has a name and a comment: "world\n".
const std::string kHello =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00"s;
const std::string kWorld = "\x1f\x8b\x08\x18\x00\x00\x00\x00\x02\x03n\x00"s +
                           "c\x00\x2b\xcf\x2f\xca\x49\xe1\x02\x00\xa8\x61\x38\xdd\x06\x00\x00\x00"s;

struct Unpacked {
  std::string text;
  bool is_whole = false;
};

Unpacked Unpack(std::string_view packed, std::size_t piece_bytes = 1000) {
  Gunzip gunzip;
  std::string text;
  while (!packed.empty()) {
    std::string_view piece = packed.substr(0, piece_bytes);
    packed.remove_prefix(piece.size());
    for (std::size_t size = SIZE_MAX; !piece.empty() || text.size() != size;) {
      size = text.size();
      gunzip.UnpackSome(&piece, &text);
    }
  }
  return {text, gunzip.is_whole()};
}

TEST(GunzipTest, IsUnpackedHoweverItComes) {
  for (std::size_t piece_bytes = 1; piece_bytes <= kHello.size(); ++piece_bytes) {
    const Unpacked unpacked = Unpack(kHello, piece_bytes);
    EXPECT_EQ(unpacked.text, "hello\n");
    EXPECT_TRUE(unpacked.is_whole);
  }
}

TEST(GunzipTest, MembersFollowEachOther) {  // RFC 1952, 2.2
  for (std::size_t piece_bytes = 1; piece_bytes <= 2 * kHello.size(); ++piece_bytes) {
    const Unpacked unpacked = Unpack(kHello + kWorld + kHello, piece_bytes);
    EXPECT_EQ(unpacked.text, "hello\nworld\nhello\n");
    EXPECT_TRUE(unpacked.is_whole);
  }
}

TEST(GunzipTest, WhatIsCutIsNotWhole) {
  EXPECT_FALSE(Unpack("").is_whole);
  for (std::size_t size = 0; size < kHello.size(); ++size) {
    EXPECT_FALSE(Unpack(kHello.substr(0, size)).is_whole) << size;
    EXPECT_EQ(Unpack(kWorld + kHello.substr(0, size)).is_whole, size == 0) << size;
  }
}

TEST(GunzipTest, DamageIsSeen) {
  for (const std::size_t place : {0, 1, 2, 12, 18, 22}) {  // magic, method, data, check sum, length
    std::string damaged = kHello;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x55);
    EXPECT_THROW(Unpack(damaged), std::runtime_error) << place;
  }
  EXPECT_THROW(Unpack(kHello + "rest"), std::runtime_error);
  EXPECT_THROW(Unpack("plain text"), std::runtime_error);
}

}  // namespace
}  // namespace dedup::sidecar
