// What a request for events asks for in its query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http_sidecar/base/problem.h"
#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

inline constexpr std::size_t kPageEventsMax = 1000;

struct EventQuery {
  EventFilter filter;
  EventRange range;                  ///< from after_seq, before_seq and order
  std::optional<std::size_t> limit;  ///< of a page; without one all is asked for
  bool is_relative = false;          ///< since or until is so long ago, so that the same query soon means another time
};

/// Reads topic, source, event_id, rule, key, since, until, after_seq, before_seq, limit and order; other parameters are
/// left alone. `now_us` is what times ago are counted from. The problem, a 400, names the parameter and what it takes.
///
/// In `topic` a level that is written as a bare `+` is the wildcard, elsewhere `+` is a space, as in all queries.
std::variant<EventQuery, Problem> ParseEventQuery(std::string_view target, std::int64_t now_us);

/// The page that follows, of which `rest` is what is left to read: a reference that is relative to the request's own
/// URL, for a proxy may show it at another path.
std::string NextTarget(std::string_view target, const EventQuery& query, const EventRange& rest);

}  // namespace dedup::sidecar
