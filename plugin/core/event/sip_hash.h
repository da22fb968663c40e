// SipHash-1-3 with 128 bits of output, fed by the word: the function behind every key.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "plugin/core/event/key.h"

namespace dedup {

static_assert(std::endian::native == std::endian::little, "bytes are read as little-endian words");

/// J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", over whole words, so that no byte is shifted
/// into its place. Who feeds texts must feed their sizes too, or ("ab", "c") would meet ("a", "bc").
///
/// A copy goes on from where its original stood: a common beginning need be fed only once.
class SipHash128 {
 public:
  explicit SipHash128(const HashSecret& secret) {
    const std::uint64_t k0 = LoadWord(reinterpret_cast<const char*>(secret.data()));
    const std::uint64_t k1 = LoadWord(reinterpret_cast<const char*>(secret.data()) + sizeof k0);
    v0_ = k0 ^ 0x736f6d6570736575;
    v1_ = k1 ^ 0x646f72616e646f6d ^ 0xee;
    v2_ = k0 ^ 0x6c7967656e657261;
    v3_ = k1 ^ 0x7465646279746573;
  }

  [[gnu::always_inline]] void Add(std::uint64_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
    ++words_;
  }

  /// With zeros up to the next whole word.
  void Add(std::string_view piece) {
    const std::size_t rest = piece.size() % sizeof(std::uint64_t);
    const char* const end = piece.data() + (piece.size() - rest);
    for (const char* p = piece.data(); p != end; p += sizeof(std::uint64_t)) Add(LoadWord(p));
    if (rest != 0) Add(LoadRest(piece, rest));
  }

  KeyHash Finish() {
    Add(words_ * sizeof(std::uint64_t) << 56);
    v2_ ^= 0xee;
    for (int i = 0; i < 3; ++i) Round();
    const std::uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < 3; ++i) Round();
    return {.high = v0_ ^ v1_ ^ v2_ ^ v3_, .low = low};
  }

  /// 32 bits of what was fed so far, for a hash table; not mixed well enough to be anything more.
  std::uint32_t Fold() const {
    const std::uint64_t folded = (v0_ ^ v2_) * 0x9E3779B97F4A7C15 + (v1_ ^ v3_);
    return static_cast<std::uint32_t>(folded ^ folded >> 32);
  }

  /// The whole state, mixed as for an output, for sums that are hashed once more; never to be shown.
  struct State {
    std::uint64_t lanes[4];
  };
  State Settle() {
    v2_ ^= 0xff;
    for (int i = 0; i < 3; ++i) Round();
    return {{v0_, v1_, v2_, v3_}};
  }

  /// `piece`, which has fewer bytes than a word, with zeros behind it.
  static std::uint64_t LoadShort(std::string_view piece) {
    const char* const p = piece.data();
    const std::size_t size = piece.size();
    if (size >= 4) return Load32(p) | Load32(p + size - 4) << (8 * (size - 4));
    if (size == 0) return 0;
    const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i); };
    return byte(0) | byte(size / 2) | byte(size - 1);
  }

 private:
  static std::uint64_t LoadWord(const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  static std::uint64_t Load32(const char* bytes) {
    std::uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  // The last bytes of `piece`, fewer than a word, with zeros behind them.
  static std::uint64_t LoadRest(std::string_view piece, std::size_t rest) {
    if (piece.size() < sizeof(std::uint64_t)) return LoadShort(piece);
    return LoadWord(piece.data() + piece.size() - sizeof(std::uint64_t)) >> (8 * (sizeof(std::uint64_t) - rest));
  }

  [[gnu::always_inline]] void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13);
    v1_ ^= v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16);
    v3_ ^= v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21);
    v3_ ^= v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17);
    v1_ ^= v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t words_ = 0;
};

}  // namespace dedup
