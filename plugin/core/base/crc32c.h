// The checksum of the journal and the key file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dedup {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), by the processor's instruction where it has one.
std::uint32_t Crc32c(const void* bytes, std::size_t size);

}  // namespace dedup
