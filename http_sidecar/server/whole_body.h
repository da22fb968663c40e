// A request's body that is read whole before it is served.
#pragma once

#include <string>
#include <variant>

#include "http_sidecar/base/problem.h"
#include "http_sidecar/server/exchange.h"

namespace dedup::sidecar {

/// Unpacked where it is gzip; of at most kBodyBytesMax, which the exchange's memory covers. Problems: 400 where it is
/// cut or malformed, 413, 503 where there is no memory for it. Then where the next request begins is unknown.
std::variant<std::string, Problem> ReadWholeBody(Exchange* exchange);

}  // namespace dedup::sidecar
