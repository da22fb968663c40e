// Entity tags (RFC 9110, 8.8.3): a client that has the answer already is told so, and not sent it again.
#pragma once

#include <string>
#include <string_view>

#include "http_sidecar/http/answer.h"

namespace dedup::sidecar {

/// Gives the answer the tag `"tag"`. True when the request's If-None-Match names it: then the answer has become a 304,
/// and needs no body.
bool SetTag(std::string_view tag, const Request& request, Answer* answer);

}  // namespace dedup::sidecar
