// Percent-encoding (RFC 3986, 2.1), as it stands in URLs, headers and the token file.
#pragma once

#include <string>
#include <string_view>

namespace dedup::sidecar {

enum class Plus { kIsASpace, kIsItself };

/// `%xx` decoded, and `+` as a space, as forms write it, or as itself. A `%` that is no escape stays.
std::string PercentDecoded(std::string_view text, Plus plus);

}  // namespace dedup::sidecar
