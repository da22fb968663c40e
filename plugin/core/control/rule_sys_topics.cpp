#include "plugin/core/control/rule_sys_topics.h"

#include <iterator>
#include <set>
#include <string_view>

namespace dedup {
namespace {

std::string TopicOf(const std::string& rule, std::string_view figure) {
  return "$SYS/broker/dedup/rules/" + rule + "/" + std::string(figure);
}

}  // namespace

std::vector<SysMessage> RuleSysTopics::Take(std::int64_t now_ms, const std::vector<NamedCounters>& rules) {
  std::vector<SysMessage> messages;
  std::set<std::string_view> names;
  for (const NamedCounters& rule : rules) names.insert(rule.name);
  for (auto published = published_.begin(); published != published_.end() && messages.size() < kMessagesMax;) {
    if (names.contains(published->first)) {
      ++published;
      continue;
    }
    for (const RuleFigure& figure : kRuleFigures) messages.push_back({TopicOf(published->first, figure.name), ""});
    published = published_.erase(published);
  }
  for (const NamedCounters& rule : rules) {
    if (messages.size() >= kMessagesMax) return messages;  // the rest is due at once
    Values& values = published_[rule.name];
    const bool is_first = values.empty();
    values.resize(std::size(kRuleFigures));
    for (std::size_t i = 0; i < std::size(kRuleFigures); ++i) {
      const std::uint64_t value = kRuleFigures[i].value(rule.counters);
      if (!is_first && values[i] == value) continue;
      values[i] = value;
      messages.push_back({TopicOf(rule.name, kRuleFigures[i].name), std::to_string(value)});
    }
  }
  due_ms_ = now_ms + interval_.count();
  return messages;
}

}  // namespace dedup
