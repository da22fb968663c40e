// The rules' counters as topics beside the broker's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plugin/core/contract/rule_counters.h"
#include "plugin/core/control/sys_topics.h"

namespace dedup {

/// What is to be published, retained, under $SYS/broker/dedup/rules/NAME/: those values that have changed, at each
/// interval. The topics of a rule that is gone are cleared.
///
/// There may be 1,000 rules, so no call gives more than some kMessagesMax messages; the rest comes with the next ones.
/// Threading: one thread.
class RuleSysTopics {
 public:
  static constexpr std::size_t kMessagesMax = 200;

  /// 0: never.
  explicit RuleSysTopics(std::chrono::milliseconds interval) : interval_(interval) {}

  bool is_due(std::int64_t now_ms) const { return interval_.count() != 0 && now_ms >= due_ms_; }

  /// Those to be published now.
  std::vector<SysMessage> Take(std::int64_t now_ms, const std::vector<NamedCounters>& rules);

 private:
  using Values = std::vector<std::uint64_t>;  // of kRuleFigures; empty before the first time

  const std::chrono::milliseconds interval_;
  std::int64_t due_ms_ = 0;
  std::map<std::string, Values> published_;  // by rule
};

}  // namespace dedup
