// Where events and duplicates come from.
#pragma once

#include <string>

#include "plugin/core/base/clock.h"
#include "plugin/core/observe/top_list.h"

namespace dedup {

/// Counted since the plugin's start, in memory only.
struct TopCounts {
  const std::string since = UtcTimestamp();
  TopList topics;             ///< by their events, duplicates included
  TopList duplicate_clients;  ///< the MQTT clients that sent duplicates; their other events are not counted
};

}  // namespace dedup
