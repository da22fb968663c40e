// What each endpoint asks of a caller before it serves him.
#pragma once

#include <cstdint>
#include <optional>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/problem.h"

namespace dedup::sidecar {

enum class Access : std::uint8_t {
  kOpen,            ///< nothing
  kPublish,         ///< that he may publish something; to which topics the endpoint asks itself
  kRead,            ///< that he may read something; the endpoint shows him no more than that
  kReadEverything,  ///< that he may read all topics, for what cannot be told by topic
};

/// Nothing where he may go on; else 401 or 403. `caller`: nothing where his token is none of ours.
std::optional<Problem> Refusal(Access access, const std::optional<Caller>& caller);

/// Leaves of what the filter matches only what the caller may read. A 403 where it names a topic that he may not.
std::optional<Problem> Narrow(const Caller& caller, EventFilter* filter);

}  // namespace dedup::sidecar
