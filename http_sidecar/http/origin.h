// Pages of other origins in a browser (WHATWG Fetch, 3.2: CORS).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dedup::sidecar {

using HeaderReader = std::function<std::string(const char* name)>;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// Whether it is one, such as https://app.example:8443, or * for all.
bool IsOrigin(std::string_view text);

/// What an answer says about who may read it; nothing while no origin is `allowed` (empty).
HeaderList CorsHeaders(const std::string& allowed, const HeaderReader& header);

/// What the answer to a preflight says besides; nothing where the request is none.
HeaderList PreflightHeaders(const std::string& allowed, const HeaderReader& header, std::string_view methods);

/// Whether a page of another origin, which is not the allowed one, makes the browser ask this.
bool IsForeign(const std::string& allowed, const HeaderReader& header);

/// Whether a Host header names an address, one of `names`, or what has no dot, such as localhost. A name with a dot may
/// be a stranger's and yet resolve to 127.0.0.1, and to browsers the stranger's page then comes from here (DNS
/// rebinding).
bool IsLocalHost(std::string_view host, const std::vector<std::string>& names);

}  // namespace dedup::sidecar
