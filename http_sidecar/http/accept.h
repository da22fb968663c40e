// What an Accept header (RFC 9110, 12.5.1) asks for.
#pragma once

#include <functional>
#include <string_view>

namespace dedup::sidecar {

/// Calls `on_type` for each type of the header, in small letters (`text/csv`, `text/*`, `*/*`), with its quality, 0
/// to 1.
void ForEachAccepted(std::string_view accept,
                     const std::function<void(std::string_view type, double quality)>& on_type);

}  // namespace dedup::sidecar
