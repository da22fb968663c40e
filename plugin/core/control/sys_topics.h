// The plugin's counters as topics beside the broker's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin/core/contract/statistics.h"

namespace dedup {

struct SysMessage {
  std::string topic;
  std::string payload;
};

/// What is to be published, retained, under $SYS/broker/dedup/. As with the broker's own topics: at the start and then
/// at each interval, those whose values have changed.
///
/// Threading: one thread.
class SysTopics {
 public:
  /// 0: never.
  explicit SysTopics(std::chrono::milliseconds interval) : interval_(interval) {}

  bool is_due(std::int64_t now_ms) const { return interval_.count() != 0 && now_ms >= due_ms_; }

  /// Those to be published now; the next are due an interval later.
  std::vector<SysMessage> Take(std::int64_t now_ms, const Statistics& statistics);

 private:
  const std::chrono::milliseconds interval_;
  std::int64_t due_ms_ = 0;
  std::vector<std::uint64_t> published_;  // empty before the first time
};

}  // namespace dedup
