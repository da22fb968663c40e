// SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dedup::sidecar {

using Sha256 = std::array<std::uint8_t, 32>;

/// Errors: std::runtime_error where OpenSSL fails, which is without memory.
Sha256 Sha256Of(std::string_view text);

/// Takes as long whatever they differ in.
bool AreSame(const Sha256& a, const Sha256& b);

}  // namespace dedup::sidecar
