#include "key.h"

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

// Expected values from OpenSSL, which gives the authors' vectors (a3817f04ba25a8e66df67214c7550293 for no bytes):
//   openssl mac -macopt size:16 -macopt hexkey:000102030405060708090a0b0c0d0e0f SIPHASH
// of the topic's size as two little-endian bytes, the topic and the id.
TEST(KeyTest, IsSipHashOfTheTopicsSizeTheTopicAndTheId) {
  EXPECT_EQ(Hash("", ""), "652442f4094e865eaa656334c7fa01cd");
  EXPECT_EQ(Hash("a", "b"), "2bab52a55c5dab7dcabaf28fbeddc717");
  EXPECT_EQ(Hash("ab", "c"), "fd3b446c3364f2ff9504829bab81154b");
  EXPECT_EQ(Hash("a/b/c", "1"), "ed4fc1e7ddbceaec832339920ab8fd8d");  // ends with a word of 8 bytes
  EXPECT_EQ(Hash("a/b/cd", ""), "4857b14b667802d4c04aaa018d179ee9");
  EXPECT_EQ(Hash("sensors/1/temperature", "event-0001"), "94b6060196bbc88550615cd55e6b473a");
  EXPECT_EQ(Hash("größe", "\x00\xff"sv), "b880bdd0a7c547450d6374d6ad32b803");
  EXPECT_EQ(Hash(Counting(256, 2), ""), "101c77f801df0fdfbf5456e63413d633");  // size and topic: 00 01 02 …
  EXPECT_EQ(Hash(Counting(256, 2), Counting(7, 2)), "7503433fca577a448b1e15ad139fb137");
  EXPECT_EQ(Hash(std::string(65535, 'x'), std::string(256, 'y')), "632404dd723767f7f57a2d4319b23172");
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
