// Base64 (RFC 4648) as bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dedup {

/// With or without padding; nothing for what is no base64, blanks and bits behind the last byte included.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace dedup
