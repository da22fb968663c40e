#include "plugin/core/event/key.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace dedup {
namespace {

using namespace std::string_view_literals;

constexpr HashSecret kSecret = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The hash's bytes in the order in which SipHash's authors print them.
std::string Hex(const KeyHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t word : {hash.low, hash.high}) {
    for (int shift = 0; shift < 64; shift += 8) {
      text += kDigits[(word >> (shift + 4)) & 0xF];
      text += kDigits[(word >> shift) & 0xF];
    }
  }
  return text;
}

std::string Hash(std::string_view topic, std::string_view event_id) { return Hex(HashKey(kSecret, topic, event_id)); }

// The bytes first, first + 1, … of the authors' test vectors.
std::string Counting(std::size_t size, char first) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

// Expected values from OpenSSL, whose rounds can be chosen:
//   openssl mac -macopt size:16 -macopt c-rounds:1 -macopt d-rounds:3
//     -macopt hexkey:000102030405060708090a0b0c0d0e0f SIPHASH
// of both sizes as four little-endian bytes each, the topic and the id, the two with zeros up to a multiple of 8.
TEST(KeyTest, IsSipHashOfTheSizesTheTopicAndTheId) {
  EXPECT_EQ(Hash("", ""), "dfe380971df8b3e211f18f3ee3f3fb25");
  EXPECT_EQ(Hash("a", "b"), "cb5fe02336e2cf58190d74abeb53724a");
  EXPECT_EQ(Hash("ab", "c"), "28808b4f40ca9f23c718e345a03058c8");
  EXPECT_EQ(Hash("a/b/c", "1"), "2bfd9b2ef30dde2c34c07ce7ab5ab0b4");
  EXPECT_EQ(Hash("a/b/cd/e", ""), "e0f42a87ab2ae6e1442fd14d48341ea8");  // a whole word
  EXPECT_EQ(Hash("sensors/1/temperature", "event-0001"), "9929673ed9f2e2b0b0226aefb3ceaaad");
  EXPECT_EQ(Hash("größe", "\x00\xff"sv), "c0620d55129fedaaec441de230aacae0");
  EXPECT_EQ(Hash(Counting(256, 2), ""), "afbe2f5ef93e8f6b641a427b8827f1b1");
  EXPECT_EQ(Hash(Counting(256, 2), Counting(7, 2)), "fc0e089720a62332a0c8ead364011a48");
  EXPECT_EQ(Hash(std::string(65535, 'x'), std::string(256, 'y')), "65f7b8c63f389052416873868ab0f063");
}

TEST(KeyTest, ZerosAtAnEndAreNotTheZerosThatFillAWord) {
  std::set<std::string> hashes;
  for (std::size_t size = 0; size <= 16; ++size) {
    hashes.insert(Hash(std::string(size, '\0'), "id"));
    hashes.insert(Hash("topic", std::string(size, '\0')));
  }
  EXPECT_EQ(hashes.size(), 34U);
}

TEST(KeyTest, KeepsTopicAndIdApart) {
  std::set<std::string> hashes;
  const std::string text = "abcdefgh";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) hashes.insert(Hash(text.substr(0, cut), text.substr(cut)));
  EXPECT_EQ(hashes.size(), text.size() + 1);
}

TEST(KeyTest, EveryBitOfTheSecretChangesTheHash) {
  std::set<std::string> hashes = {Hash("topic", "id")};
  for (std::size_t bit = 0; bit < 128; ++bit) {
    HashSecret secret = kSecret;
    secret[bit / 8] = static_cast<std::uint8_t>(secret[bit / 8] ^ (1U << bit % 8));
    hashes.insert(Hex(HashKey(secret, "topic", "id")));
  }
  EXPECT_EQ(hashes.size(), 129U);
}

TEST(KeyTest, EverySecretIsAnother) {
  std::set<HashSecret> secrets;
  for (int i = 0; i < 100; ++i) secrets.insert(MakeHashSecret());
  EXPECT_EQ(secrets.size(), 100U);
}

}  // namespace
}  // namespace dedup
