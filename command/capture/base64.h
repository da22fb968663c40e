// Base64 (RFC 4648), for payloads that are no text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dedup::command {

std::string Base64Of(std::string_view bytes);

/// Nothing where the text is not base64 with its padding.
std::optional<std::string> BytesOfBase64(std::string_view text);

}  // namespace dedup::command
