#include <algorithm>
#include <cmath>
#include <cstdio>

#include "command/advise/rules_text.h"
#include "command/report/report.h"
#include "command/report/sentences.h"
#include "command/report/words.h"

namespace dedup::command {
namespace {

constexpr std::size_t kSampleBytes = 240;  // of a payload

std::string Joined(const std::vector<std::string>& words, const char* nothing) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text.empty() ? nothing : text;
}

void AddPair(const Capture& capture, const std::pair<std::uint32_t, std::uint32_t>& pair, std::string* text) {
  const Message& a = capture.messages()[pair.first];
  const Message& b = capture.messages()[pair.second];
  text->append("      " + std::string(a.topic) + "  " + Shown(a.payload, kSampleBytes) + "\n");
  text->append("      " + DurationText(b.time_s - a.time_s) + " later\n");
  text->append("      " + std::string(b.topic) + "  " + Shown(b.payload, kSampleBytes) + "\n");
}

void AddRule(const GroupAdvice& finding, const Capture& capture, std::size_t number, std::string* text) {
  char share[16];
  std::snprintf(
      share, sizeof share, "%.0f %%",
      100.0 * static_cast<double>(finding.effect.dropped_count) / static_cast<double>(finding.looked_at_count));
  *text += "\n" + std::to_string(number) + ". " + finding.filter + "\n";
  *text += "   " + CountOf(finding.message_count, "message", "messages") +
           (finding.looked_at_count < finding.message_count
                ? ", of which the first " + std::to_string(finding.looked_at_count) + " were looked at; of these "
                : ", of which ") +
           CountOf(finding.effect.dropped_count, "is a copy", "are copies") + " (" + share + ") of " +
           std::to_string(finding.repeated_count) + " events; " + std::to_string(finding.equal_count) +
           " byte for byte on the same topic\n";
  *text += "   Key: " + Joined(finding.rule.key, "the topic alone");
  if (!finding.rule.ignore.empty()) *text += ", without " + Joined(finding.rule.ignore, "");
  *text += "\n   May differ: " + Joined(finding.ignored, "nothing") + "\n";
  *text += "   Says which event it is: " +
           Joined(finding.identities, "nothing by itself; the content and the short time do") + "\n";
  if (!finding.traps.empty())
    *text += "   Would be a trap as an id, because it is the device's: " + Joined(finding.traps, "") + "\n";
  *text += "   Copies come " + DurationText(finding.gap_median_s) + " after the first (median), 99 % within " +
           DurationText(finding.gap_p99_s) + ", all within " + DurationText(finding.gap_max_s) +
           ".\n   A device's next event comes after " + DurationText(finding.interval_s) + " (median). " +
           (std::isfinite(finding.next_repeat_s)
                ? "The soonest equal message that is no copy came after " + DurationText(finding.next_repeat_s)
                : "No equal message came that is no copy") +
           ".\n   So the window is " + finding.rule.window + ".\n";
  if (finding.is_across) {
    *text +=
        "   Trust: whoever may publish to one of these topics can suppress an event on another, or of another "
        "publisher.\n";
  }
  *text += "   Joined, for example:\n";
  for (const auto& sample : finding.samples) AddPair(capture, sample, text);
  if (finding.not_joined.first != finding.not_joined.second) {
    *text += "   The nearest that are not joined:\n";
    AddPair(capture, finding.not_joined, text);
  }
}

}  // namespace

std::string ReportText(const Advice& advice, const Capture& capture) {
  std::string text = "Watched " + CountOf(advice.message_count, "message", "messages") + " on " +
                     CountOf(advice.topic_count, "topic", "topics") + " in " + DurationText(advice.seconds) + ".\n";
  if (advice.is_full) text += "That is all that can be looked at; what came later was left out.\n";
  if (!advice.has_clients && advice.message_count != 0) {
    text += "Who published is not known, so devices that share a topic cannot be told apart.\n";
  }
  if (advice.rules.empty()) {
    text += advice.message_count == 0 ? "Nothing was published, so nothing is proposed.\n"
                                      : "No duplicates that a rule could recognise: nothing is proposed.\n";
  } else {
    const auto dropping = std::count_if(advice.rules.begin(), advice.rules.end(),
                                        [](const RuleProposal& rule) { return rule.mode == "drop"; });
    text += CountOf(advice.rules.size(), "rule is", "rules are") + " proposed. ";
    text += dropping == 0 ? "Let them observe first: they count, and touch nothing.\n"
                          : CountOf(static_cast<std::uint64_t>(dropping), "drops", "drop") +
                                " copies at once, as --across-gateways asks; look at the pairs first.\n";
  }
  std::size_t number = 0;
  for (const GroupAdvice& finding : advice.findings) {
    if (finding.has_rule()) AddRule(finding, capture, ++number, &text);
  }
  bool has_others = false;
  for (const GroupAdvice& finding : advice.findings) {
    if (finding.has_rule()) continue;
    if (!std::exchange(has_others, true)) text += "\nNo rule for:\n";
    text += "   " + finding.filter + "  " + CountOf(finding.message_count, "message", "messages") + ": " +
            SentenceOf(finding) + "\n";
  }
  if (!advice.rules.empty()) text += "\nThe rules file:\n\n" + RulesText(advice.rules);
  return text;
}

}  // namespace dedup::command
