// Several bytes looked at in one go.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__) && !defined(DEDUP_PORTABLE)
#include <emmintrin.h>
#endif

namespace dedup {

/// Which of some bytes meet a condition: kBitsPerByte bits each, the first byte's lowest.
template <int kBitsPerByte>
class ByteMatches {
 public:
  /// So many bytes at most.
  static constexpr std::size_t kBytesMax = 64 / kBitsPerByte;

  ByteMatches() = default;
  explicit ByteMatches(std::uint64_t bits) : bits_(bits) {}
  bool any() const { return bits_ != 0; }
  /// The index of the first one; there must be one.
  std::size_t first() const { return static_cast<unsigned>(std::countr_zero(bits_)) / kBitsPerByte; }
  void RemoveFirst() { bits_ &= bits_ - 1; }
  /// Without the first `count` bytes, fewer than kBytesMax, so that the byte behind them becomes the first.
  ByteMatches Skip(std::size_t count) const { return ByteMatches(bits_ >> (count * kBitsPerByte)); }
  /// With `count` bytes before the first, fewer than kBytesMax, none of which matches.
  ByteMatches Behind(std::size_t count) const { return ByteMatches(bits_ << (count * kBitsPerByte)); }
  friend ByteMatches operator|(ByteMatches a, ByteMatches b) { return ByteMatches(a.bits_ | b.bits_); }
  friend ByteMatches operator&(ByteMatches a, ByteMatches b) { return ByteMatches(a.bits_ & b.bits_); }

 private:
  std::uint64_t bits_ = 0;  // one bit a byte
};

/// Eight bytes in a plain register: for processors without anything better, which DEDUP_PORTABLE pretends.
class PortableBlock {
 public:
  static constexpr std::size_t kBytes = 8;
  using Matches = ByteMatches<8>;

  explicit PortableBlock(const char* bytes) { std::memcpy(&word_, bytes, sizeof word_); }

  Matches Equal(char c) const {
    const std::uint64_t difference = word_ ^ (kOnes * static_cast<unsigned char>(c));
    return Matches(~(((difference & kLowBits) + kLowBits) | difference) & ~kLowBits);
  }
  /// What a plain run of a JSON string cannot hold: quotes, backslashes, what is below 0x20 or above 0x7F.
  Matches StringStops() const {
    // With its second bit turned a quote becomes 0x20, and of ASCII only control characters are below 0x21 with it.
    const std::uint64_t turned = word_ ^ kOnes * 2;
    return Matches((~((turned & kLowBits) + kOnes * (0x80 - 0x21)) | turned) & ~kLowBits) | Equal('\\');
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  static constexpr std::uint64_t kOnes = 0x0101010101010101;
  static constexpr std::uint64_t kLowBits = kOnes * 0x7F;
  std::uint64_t word_;
};

#if defined(__SSE2__) && !defined(DEDUP_PORTABLE)

/// The same with sixteen.
class Sse2Block {
 public:
  static constexpr std::size_t kBytes = 16;
  using Matches = ByteMatches<1>;

  explicit Sse2Block(const char* bytes) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}

  Matches Equal(char c) const { return MatchesOf(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c))); }
  Matches StringStops() const {
    // As above; bytes that are not ASCII are negative, and a mask is made of the signs.
    const __m128i below = _mm_subs_epi8(_mm_xor_si128(bytes_, _mm_set1_epi8(2)), _mm_set1_epi8(0x21));
    return MatchesOf(_mm_or_si128(below, _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\'))));
  }

 private:
  static Matches MatchesOf(__m128i mask) { return Matches(static_cast<unsigned>(_mm_movemask_epi8(mask))); }
  __m128i bytes_;
};
using ByteBlock = Sse2Block;

#else

using ByteBlock = PortableBlock;

#endif

}  // namespace dedup
