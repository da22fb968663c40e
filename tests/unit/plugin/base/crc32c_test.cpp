#include "plugin/core/base/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

namespace dedup {
namespace {

std::uint32_t Crc(std::string_view bytes) { return Crc32c(bytes.data(), bytes.size()); }

// Bit by bit, from the polynomial.
std::uint32_t SlowCrc(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

std::string Counting(std::size_t size) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

TEST(Crc32cTest, GivesTheVectorsOfRfc3720) {
  std::string falling = Counting(32);
  std::reverse(falling.begin(), falling.end());
  constexpr unsigned char kReadCommand[48] = {0x01, 0xc0, 0,    0,    0,    0, 0, 0, 0,    0, 0, 0, 0,   0,
                                              0,    0,    0x14, 0,    0,    0, 0, 0, 0x04, 0, 0, 0, 0,   0x14,
                                              0,    0,    0,    0x18, 0x28, 0, 0, 0, 0,    0, 0, 0, 0x02};
  EXPECT_EQ(Crc(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(Crc(Counting(32)), 0x46DD794EU);
  EXPECT_EQ(Crc(falling), 0x113FDB5CU);
  EXPECT_EQ(Crc32c(kReadCommand, sizeof kReadCommand), 0xD9963A56U);
}

TEST(Crc32cTest, IsZeroForNoBytes) { EXPECT_EQ(Crc(""), 0U); }

TEST(Crc32cTest, AgreesWithThePolynomialAtEveryAlignmentAndLength) {
  const std::string bytes = Counting(80);
  for (std::size_t start = 0; start < 8; ++start) {
    for (std::size_t size = 0; size <= 64; ++size) {
      const std::string_view piece = std::string_view(bytes).substr(start, size);
      EXPECT_EQ(Crc(piece), SlowCrc(piece)) << size << " bytes from " << start;
    }
  }
}

// What is long goes in several parts at once, of one size or another.
TEST(Crc32cTest, AgreesWithThePolynomialAtLengthsOfRecordsAndBlocks) {
  std::string bytes(5000, '\0');
  std::uint32_t random = 1;
  for (char& byte : bytes) byte = static_cast<char>((random = random * 1'664'525 + 1'013'904'223) >> 24);
  for (std::size_t size = 64; size <= bytes.size(); size += size < 1700 ? 1 : 97) {
    const std::string_view piece = std::string_view(bytes).substr(0, size);
    ASSERT_EQ(Crc(piece), SlowCrc(piece)) << size << " bytes";
  }
}

}  // namespace
}  // namespace dedup
