#pragma once

#include <string>
#include <string_view>

namespace dedup::sidecar {

/// The value of the first parameter called `name` in the query of a request target ("/events?topic=a%2Fb"), with
/// `%xx` decoded and `+` as a space, as forms write it; empty when there is none. A `%` that is no escape stays.
std::string QueryValue(std::string_view target, std::string_view name);

}  // namespace dedup::sidecar
