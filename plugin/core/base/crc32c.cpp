#include "plugin/core/base/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace dedup {
namespace {

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
    table[i] = crc;
  }
  return table;
}

std::uint32_t Software(std::uint32_t crc, const unsigned char* p, std::size_t size) {
  static constexpr auto kTable = MakeTable();
  for (; size != 0; --size) crc = (crc >> 8) ^ kTable[(crc ^ *p++) & 0xFF];
  return crc;
}

[[maybe_unused]] std::uint64_t LoadWord(const unsigned char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Not every processor of an architecture has the instructions, so it is asked at run time.
#if defined(__x86_64__)
constexpr std::size_t kLaneWordsMax = 64;

// kShifts[n] moves a checksum over n words (of 8 bytes) behind it: x to the 64 n - 33, modulo the polynomial. The 33
// that are missing come from the multiplication and from the instruction that reduces its product.
constexpr auto kShifts = [] {
  std::array<std::uint32_t, 2 * kLaneWordsMax + 1> shifts{};
  std::uint32_t power = 1;  // x to the 31: the lowest bit is the highest power
  for (std::size_t words = 1; words < shifts.size(); ++words) {
    shifts[words] = power;
    for (int bit = 0; bit < 64; ++bit) power = (power >> 1) ^ ((power & 1) != 0 ? 0x82F63B78 : 0);
  }
  return shifts;
}();

__attribute__((target("sse4.2,pclmul"))) std::uint64_t Shift(std::uint64_t crc, std::size_t words) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<std::int64_t>(crc)),
                                               _mm_cvtsi32_si128(static_cast<std::int32_t>(kShifts[words])), 0);
  return _mm_crc32_u64(0, static_cast<std::uint64_t>(_mm_cvtsi128_si64(product)));
}

bool HasInstructions() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"); }

// The instruction takes three cycles, but another can begin in each: three parts of equal size go side by side.
__attribute__((target("sse4.2,pclmul"))) std::uint32_t Hardware(std::uint32_t crc, const unsigned char* p,
                                                                std::size_t size) {
  std::uint64_t first = crc;
  while (size >= 3 * sizeof(std::uint64_t)) {
    const std::size_t words = std::min(size / (3 * sizeof(std::uint64_t)), kLaneWordsMax);
    const std::size_t bytes = words * sizeof(std::uint64_t);
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const unsigned char* const end = p + bytes; p != end; p += sizeof(std::uint64_t)) {
      first = _mm_crc32_u64(first, LoadWord(p));
      second = _mm_crc32_u64(second, LoadWord(p + bytes));
      third = _mm_crc32_u64(third, LoadWord(p + 2 * bytes));
    }
    first = Shift(first, 2 * words) ^ Shift(second, words) ^ third;
    p += 2 * bytes;
    size -= 3 * bytes;
  }
  for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t), p += sizeof(std::uint64_t)) {
    first = _mm_crc32_u64(first, LoadWord(p));
  }
  crc = static_cast<std::uint32_t>(first);
  for (; size != 0; --size) crc = _mm_crc32_u8(crc, *p++);
  return crc;
}
#elif defined(__aarch64__)
bool HasInstructions() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("+crc"))) std::uint32_t Hardware(std::uint32_t crc, const unsigned char* p, std::size_t size) {
  for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t), p += sizeof(std::uint64_t)) {
    crc = __crc32cd(crc, LoadWord(p));
  }
  for (; size != 0; --size) crc = __crc32cb(crc, *p++);
  return crc;
}
#else
bool HasInstructions() { return false; }
constexpr auto Hardware = Software;
#endif

}  // namespace

std::uint32_t Crc32c(const void* bytes, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  static const bool kHasInstructions = HasInstructions();
  return ~(kHasInstructions ? Hardware(~0U, p, size) : Software(~0U, p, size));
}

}  // namespace dedup
