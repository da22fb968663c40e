// What was found out about one group of topics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "command/advise/rule_check.h"
#include "command/advise/rule_proposal.h"
#include "command/capture/capture.h"
#include "command/traffic/grouping.h"
#include "command/trial/refusals.h"

namespace dedup::command {

/// What was found out about a group of topics. Times are in seconds.
struct GroupAdvice {
  std::string filter;
  std::size_t message_count = 0;
  std::size_t looked_at_count = 0;  ///< of these, the first: as many as a table holds
  Reason reason;                    ///< why there is no rule; kNone where there is one
  RuleProposal rule;                ///< where there is one

  // Of the rule's key, or of the one that got furthest.
  std::size_t event_count = 0;
  std::size_t repeated_count = 0;  ///< events with copies
  bool only_whole_counts = false;  ///< payloads of which no rule can leave a part out: neither JSON nor protobuf
  std::size_t copy_count = 0;
  std::size_t equal_count = 0;  ///< copies with the same bytes on the same topic
  double gap_median_s = 0;      ///< from an event's first message to its copies
  double gap_p99_s = 0;
  double gap_max_s = 0;
  double next_repeat_s = std::numeric_limits<double>::infinity();  ///< the nearest that is none
  double interval_s = 0;                                           ///< between events of a device, the median
  double risk = 0;                      ///< events expected to be taken for copies in another capture like this
  bool is_across = false;               ///< copies come on other topics or from other publishers
  bool needs_clients = false;           ///< the publisher is part of the key
  std::vector<std::string> ignored;     ///< what may differ
  std::vector<std::string> identities;  ///< what is another for each event
  std::vector<std::string> traps;       ///< what looks like an id, and is the device's
  std::vector<std::pair<std::uint32_t, std::uint32_t>> samples;  ///< numbers of messages that are joined
  std::pair<std::uint32_t, std::uint32_t> not_joined = {0, 0};   ///< the nearest that are not; equal: none
  RuleEffect effect;

  bool has_rule() const { return reason.refusal == Refusal::kNone; }
};

struct AdviseOptions {
  bool across_gateways = false;  ///< rules that join what several gateways have heard may drop at once
};

/// Looks at the group alone: its rule has no name yet, and `effect` is still to be measured.
/// Errors: std::bad_alloc.
GroupAdvice GroupAdviceOf(const Capture& capture, const Group& group, const AdviseOptions& options);

}  // namespace dedup::command
