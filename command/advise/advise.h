// Looks through a capture for events that were published more than once, and proposes rules that recognise them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "command/advise/group_advice.h"
#include "command/advise/rule_proposal.h"
#include "command/capture/capture.h"

namespace dedup::command {

struct Advice {
  std::size_t message_count = 0;
  std::size_t topic_count = 0;
  double seconds = 0;
  bool has_clients = false;
  bool is_full = false;               ///< the capture could hold no more
  std::vector<GroupAdvice> findings;  ///< the groups, largest first
  std::vector<RuleProposal> rules;    ///< in the order in which they belong into the file
};

/// Time: some microseconds for each message. Memory: about as much as the capture.
/// Errors: std::bad_alloc.
Advice Advise(const Capture& capture, const AdviseOptions& options);

}  // namespace dedup::command
