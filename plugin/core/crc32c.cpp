#include "crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
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

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t Hardware(std::uint32_t crc, const unsigned char* p, std::size_t size) {
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size != 0; --size) crc = _mm_crc32_u8(crc, *p++);
  return crc;
}
#endif

}  // namespace

std::uint32_t Crc32c(const void* bytes, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(bytes);
#if defined(__x86_64__)
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2");
  return ~(kHasInstruction ? Hardware(~0U, p, size) : Software(~0U, p, size));
#elif defined(__ARM_FEATURE_CRC32)
  std::uint32_t crc = ~0U;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    crc = __crc32cd(crc, word);
  }
  for (; size != 0; --size) crc = __crc32cb(crc, *p++);
  return ~crc;
#else
  return ~Software(~0U, p, size);
#endif
}

}  // namespace dedup
