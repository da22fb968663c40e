// Bytes as hexadecimal digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace dedup::sidecar {

std::string HexOf(std::span<const std::uint8_t> bytes);

/// So many bytes, at most 256, that nobody can guess. Errors: std::system_error.
std::string RandomHex(std::size_t bytes);

}  // namespace dedup::sidecar
