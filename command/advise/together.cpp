#include "command/advise/together.h"

#include <algorithm>
#include <utility>

#include "command/advise/rule_check.h"
#include "command/traffic/table.h"

namespace dedup::command {
namespace {

class Together {
 public:
  Together(std::span<const Message> messages, std::span<const std::uint32_t> group_of_message,
           std::vector<GroupAdvice>* findings)
      : messages_(messages), group_of_message_(group_of_message), findings_(*findings) {}

  void KeepStrangersOut() {
    for (std::uint32_t group = 0; group < findings_.size(); ++group) {
      GroupAdvice& finding = findings_[group];
      if (!finding.has_rule()) continue;
      std::size_t strangers = StrangersOf(finding.rule, group);
      for (std::size_t i = 0; i < finding.rule.marks.size() && i < kMarksTried && strangers != 0; ++i) {
        RuleProposal marked = finding.rule;
        if (std::find(marked.key.begin(), marked.key.end(), marked.marks[i]) != marked.key.end()) continue;
        marked.key.insert(marked.key.begin(), marked.marks[i]);
        const std::size_t fewer = StrangersOf(marked, group);
        if (fewer >= strangers) continue;
        strangers = fewer;
        finding.rule = std::move(marked);
      }
      order_.emplace_back(strangers, group);
    }
    // A rule that takes what is not its own stands behind those whose it may be.
    std::stable_sort(order_.begin(), order_.end());
  }

  // Takes rules away until all that are left do what was thought of them.
  std::vector<RuleProposal> Settle() {
    for (;;) {
      std::vector<RuleProposal> rules;
      std::vector<std::uint32_t> groups;
      for (const auto& [strangers, group] : order_) {
        rules.push_back(findings_[group].rule);
        groups.push_back(group);
      }
      const std::vector<RuleEffect> effects = EffectsOf(rules, groups, messages_, group_of_message_, Table::kRowsMax);
      const std::size_t before = order_.size();
      for (std::size_t i = effects.size(); i-- > 0;) {
        GroupAdvice& finding = findings_[groups[i]];
        finding.effect = effects[i];
        finding.reason.refusal = RefusalOf(finding);
        if (!finding.has_rule()) order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (order_.size() == before) return rules;
    }
  }

 private:
  static constexpr std::size_t kMarksTried = 12;

  std::size_t StrangersOf(const RuleProposal& rule, std::uint32_t group) const {
    return EffectsOf({&rule, 1}, {&group, 1}, messages_, group_of_message_, Table::kRowsMax).front().stranger_count;
  }

  static Refusal RefusalOf(const GroupAdvice& finding) {
    const auto copies = static_cast<double>(finding.copy_count);
    const auto dropped = static_cast<double>(finding.effect.dropped_count);
    if (finding.effect.stranger_count != 0) return Refusal::kStrangers;
    if (dropped > 1.02 * copies + 2) return Refusal::kOtherThanThought;
    if (dropped < 0.5 * copies) return Refusal::kNoWords;
    return Refusal::kNone;
  }

  std::span<const Message> messages_;
  std::span<const std::uint32_t> group_of_message_;
  std::vector<GroupAdvice>& findings_;
  std::vector<std::pair<std::size_t, std::uint32_t>> order_;  // strangers and group, of each rule
};

}  // namespace

std::vector<RuleProposal> SettleTogether(std::span<const Message> messages,
                                         std::span<const std::uint32_t> group_of_message,
                                         std::vector<GroupAdvice>* findings) {
  Together together(messages, group_of_message, findings);
  together.KeepStrangersOut();
  return together.Settle();
}

}  // namespace dedup::command
