// What someone who chooses topics and ids, but does not know the secret, can do to the index: nothing. Wherever the
// index takes its shards and tags from the hash, crafted keys fall as random ones do, and what was found to collide
// under one secret does not under another.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/core/event/key.h"

namespace dedup {
namespace {

constexpr HashSecret kSecret = {7, 250, 3, 99, 180, 5, 61, 200, 14, 77, 130, 9, 240, 33, 21, 166};
constexpr HashSecret kOtherSecret = {8, 250, 3, 99, 180, 5, 61, 200, 14, 77, 130, 9, 240, 33, 21, 166};

struct Family {
  const char* name;
  std::function<std::pair<std::string, std::string>(std::uint32_t)> key;  // topic and id of a number
};

// All keys of a family have one length, a long common part, and differ in few bits.
const Family kFamilies[] = {
    {"Counter", [](std::uint32_t n) { return std::pair("t", std::to_string(1'000'000'000 + n)); }},
    {"LongPrefix",
     [](std::uint32_t n) { return std::pair("t", std::string(240, 'a') + std::to_string(10'000'000 + n)); }},
    {"LongSuffix",
     [](std::uint32_t n) { return std::pair("t", std::to_string(10'000'000 + n) + std::string(240, 'a')); }},
    {"BinaryBlocks",
     [](std::uint32_t n) {
       std::string id(64, '\0');
       for (int bit = 0; bit < 18; ++bit) id[static_cast<std::size_t>(bit) * 3] = static_cast<char>(n >> bit & 1);
       return std::pair("t", id);
     }},
    {"Topics", [](std::uint32_t n) { return std::pair("device/" + std::to_string(10'000'000 + n), std::string("a")); }},
};

std::string NameOf(const testing::TestParamInfo<Family>& test) { return test.param.name; }

class KeySpreadTest : public testing::TestWithParam<Family> {
 protected:
  static KeyHash Hash(const HashSecret& secret, std::uint32_t number) {
    const auto [topic, id] = GetParam().key(number);
    return HashKey(secret, topic, id);
  }
};

TEST_P(KeySpreadTest, CraftedKeysFillAllShardsAlike) {
  constexpr int kBits = 14;
  constexpr std::size_t kShards = std::size_t{1} << kBits;
  constexpr std::uint32_t kKeys = 1 << 18;
  std::vector<KeyHash> hashes;
  for (std::uint32_t n = 0; n < kKeys; ++n) hashes.push_back(Hash(kSecret, n));
  for (const auto word : {&KeyHash::low, &KeyHash::high}) {
    for (int shift = 0; shift <= 64 - kBits; shift += 10) {
      std::vector<std::uint32_t> sizes(kShards);
      for (const KeyHash& hash : hashes) ++sizes[hash.*word >> shift & (kShards - 1)];
      constexpr double kMean = double{kKeys} / kShards;
      double chi_square = 0;
      for (const std::uint32_t size : sizes) chi_square += (size - kMean) * (size - kMean) / kMean;
      // Of random keys it is kShards give or take the square root of twice that; 8 of these are beyond chance.
      EXPECT_NEAR(chi_square, kShards, 8 * std::sqrt(2.0 * kShards)) << "shift " << shift;
    }
  }
}

TEST_P(KeySpreadTest, WhatCollidesUnderOneSecretDoesNotUnderAnother) {
  constexpr std::uint32_t kKeys = 1 << 16;
  for (const auto word : {&KeyHash::low, &KeyHash::high}) {
    for (int shift = 0; shift < 64; shift += 16) {
      const auto part = [&](const HashSecret& secret, std::uint32_t n) {
        return static_cast<std::uint16_t>(Hash(secret, n).*word >> shift);
      };
      std::unordered_map<std::uint16_t, std::uint32_t> first;
      int collisions = 0;
      int again = 0;
      for (std::uint32_t n = 0; n < kKeys; ++n) {
        const auto [place, is_new] = first.try_emplace(part(kSecret, n), n);
        if (is_new) continue;
        ++collisions;
        if (part(kOtherSecret, n) == part(kOtherSecret, place->second)) ++again;
      }
      EXPECT_GT(collisions, 20'000);  // there was something to carry over
      EXPECT_LT(again, 10) << "shift " << shift;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, KeySpreadTest, testing::ValuesIn(kFamilies), NameOf);

}  // namespace
}  // namespace dedup
