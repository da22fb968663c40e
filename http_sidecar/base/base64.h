// Bytes as base64 (RFC 4648), by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace dedup::sidecar {

/// With padding. Errors: std::length_error beyond 2^31 - 1 bytes.
void AppendBase64(std::string_view bytes, std::string* out);

}  // namespace dedup::sidecar
