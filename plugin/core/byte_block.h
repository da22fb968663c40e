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

/// Eight bytes in a plain register: for processors without anything better, which DEDUP_PORTABLE pretends.
class PortableBlock {
 public:
  static constexpr std::size_t kBytes = 8;

  /// Which of the bytes meet a condition: kBitsPerByte bits each, the first byte's lowest.
  class Matches {
   public:
    static constexpr int kBitsPerByte = 8;
    explicit Matches(std::uint64_t bits) : bits_(bits) {}
    bool any() const { return bits_ != 0; }
    /// The index of the first one; there must be one.
    std::size_t first() const { return static_cast<std::size_t>(std::countr_zero(bits_)) / kBitsPerByte; }
    void RemoveFirst() { bits_ &= bits_ - 1; }
    /// Without the first `count` bytes, fewer than kBytes, so that the byte behind them becomes the first.
    Matches Skip(std::size_t count) const { return Matches(bits_ >> (count * kBitsPerByte)); }
    friend Matches operator|(Matches a, Matches b) { return Matches(a.bits_ | b.bits_); }
    friend Matches operator&(Matches a, Matches b) { return Matches(a.bits_ & b.bits_); }

   private:
    std::uint64_t bits_;  // one bit a byte
  };

  explicit PortableBlock(const char* bytes) { std::memcpy(&word_, bytes, sizeof word_); }

  Matches Equal(char c) const {
    const std::uint64_t difference = word_ ^ (kOnes * static_cast<unsigned char>(c));
    return Matches(~(((difference & kLowBits) + kLowBits) | difference) & ~kLowBits);
  }
  /// Below 0x20 or above 0x7F.
  Matches ControlOrNotAscii() const {
    return Matches((~((word_ & kLowBits) + kOnes * (0x80 - 0x20)) | word_) & ~kLowBits);
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

  class Matches {
   public:
    explicit Matches(unsigned bits) : bits_(bits) {}
    bool any() const { return bits_ != 0; }
    std::size_t first() const { return static_cast<std::size_t>(std::countr_zero(bits_)); }
    void RemoveFirst() { bits_ &= bits_ - 1; }
    Matches Skip(std::size_t count) const { return Matches(bits_ >> count); }
    friend Matches operator|(Matches a, Matches b) { return Matches(a.bits_ | b.bits_); }
    friend Matches operator&(Matches a, Matches b) { return Matches(a.bits_ & b.bits_); }

   private:
    unsigned bits_;  // one bit a byte
  };

  explicit Sse2Block(const char* bytes) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}

  Matches Equal(char c) const { return MatchesOf(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c))); }
  // Bytes that are not ASCII are negative.
  Matches ControlOrNotAscii() const { return MatchesOf(_mm_cmplt_epi8(bytes_, _mm_set1_epi8(0x20))); }

 private:
  static Matches MatchesOf(__m128i mask) { return Matches(static_cast<unsigned>(_mm_movemask_epi8(mask))); }
  __m128i bytes_;
};
using ByteBlock = Sse2Block;

#else

using ByteBlock = PortableBlock;

#endif

}  // namespace dedup
