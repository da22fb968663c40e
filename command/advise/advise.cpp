#include "command/advise/advise.h"

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "command/advise/together.h"
#include "command/traffic/grouping.h"

namespace dedup::command {

Advice Advise(const Capture& capture, const AdviseOptions& options) {
  const std::span<const Message> messages = capture.messages();
  Advice advice;
  advice.message_count = messages.size();
  advice.seconds = capture.seconds();
  advice.has_clients = capture.has_clients();
  advice.is_full = capture.is_full();
  std::unordered_set<std::string_view> topics;
  for (const Message& message : messages) topics.insert(message.topic);
  advice.topic_count = topics.size();

  std::vector<std::uint32_t> group_of_message(messages.size());
  std::vector<std::string> names;
  for (const Group& group : GroupsOf(messages)) {
    for (const std::uint32_t row : group.rows)
      group_of_message[row] = static_cast<std::uint32_t>(advice.findings.size());
    GroupAdvice finding = GroupAdviceOf(capture, group, options);
    if (finding.has_rule()) names.push_back(finding.rule.name = NameFor(group, names));
    advice.findings.push_back(std::move(finding));
  }
  advice.rules = SettleTogether(messages, group_of_message, &advice.findings);
  return advice;
}

}  // namespace dedup::command
