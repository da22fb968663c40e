// The dashboard: files for browsers, which ask the other endpoints for everything that they show.
#pragma once

#include <string_view>

#include "http_sidecar/http/answer.h"

namespace dedup::sidecar {

/// Whether an Accept header likes a page better than JSON, as those of browsers do and those of programs don't.
bool WantsPage(std::string_view accept);

/// A file of the page by its name, or a 404.
Answer PageFile(std::string_view name, const Request& request);

}  // namespace dedup::sidecar
