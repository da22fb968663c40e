// What each endpoint asks of a caller before it serves them.
#pragma once

#include <cstdint>
#include <optional>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/problem.h"

namespace dedup::sidecar {

enum class Access : std::uint8_t {
  kOpen,            ///< nothing
  kPublish,         ///< that they may publish something; to which topics the endpoint asks itself
  kRead,            ///< that they may read something; the endpoint shows them no more than that
  kReadEverything,  ///< that they may read all topics, for what cannot be told by topic
};

/// Nothing where they may go on; otherwise 401 or 403. `caller`: nothing where their token is none of ours.
std::optional<Problem> Refusal(Access access, const std::optional<Caller>& caller);

/// Leaves of what the filter matches only what the caller may read. A 403 where it names a topic that they may not.
std::optional<Problem> Narrow(const Caller& caller, EventFilter* filter);

}  // namespace dedup::sidecar
