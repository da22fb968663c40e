// The query of a request target ("/events?topic=a%2Fb"): its parameters by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http_sidecar/base/problem.h"

namespace dedup::sidecar {

/// The first parameter called `name` in the query of a request target, as it stands there;
/// nothing when there is none.
std::optional<std::string_view> RawQueryValue(std::string_view target, std::string_view name);

/// The query of a request target without the parameters of that name.
std::string QueryWithout(std::string_view query, std::string_view name);

/// What is wrong with the names of a target's parameters: one is none of `known` (names with blanks between them), or
/// stands there twice. Nothing where all is well.
std::optional<Problem> CheckNames(std::string_view target, std::string_view known);

/// What follows the target's `?`.
std::string_view QueryOf(std::string_view target);

/// The first parameter's value, decoded; empty when there is none.
std::string QueryValue(std::string_view target, std::string_view name);

}  // namespace dedup::sidecar
