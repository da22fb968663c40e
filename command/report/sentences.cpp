#include "command/report/sentences.h"

#include <cmath>
#include <cstdio>

namespace dedup::command {
namespace {

struct Words {
  Refusal refusal;
  const char* word;
  const char* sentence;
  const char* about;  // how the column is named behind it, if there is one
};

constexpr Words kWords[] = {
    {Refusal::kNone, "none", "a rule is proposed", ""},
    {Refusal::kNoRepeats, "no-repeats", "nothing comes twice", ""},
    {Refusal::kFewRepeats, "few-repeats", "watched too short", ""},
    {Refusal::kManyInOne, "many-in-one",
     "the same comes again too often for copies: what repeats is a session, a device or a state", ""},
    {Refusal::kOneKey, "one-key", "most repeats are of one key, as with a device's id", ""},
    {Refusal::kStages, "stages",
     "one side is always first, so these are stages (request and answer, raw and cleaned), not copies", "it shows in"},
    {Refusal::kMostlyEqual, "mostly-equal",
     "messages that differ in it would be joined, though copies mostly agree in it", "it is about"},
    {Refusal::kContent, "content", "within pairs differs what stays from event to event, so it is content",
     "it is about"},
    {Refusal::kMeasured, "measured", "a measurement would be ignored, which is another one each time", "it is"},
    {Refusal::kOtherKind, "other-kind", "members come and go together, so these are messages of another kind",
     "as does"},
    {Refusal::kTooMuch, "too-much", "messages of one publisher differ in too many members to be copies", "one is"},
    {Refusal::kNothingElse, "nothing-else", "the key would say no more than which device it is and what time", ""},
    {Refusal::kByChance, "by-chance", "as many messages would be equal by chance", ""},
    {Refusal::kTimeIgnored, "time-ignored",
     "they differ in their time, and come no faster than the device's next message", "the time is"},
    {Refusal::kNotTheSame, "not-the-same",
     "several sides speak at the same time or of the same id, but do not say the same", "it is about"},
    {Refusal::kStateAgain, "state-again", "the latest state is said again, as a keep-alive", ""},
    {Refusal::kNoGap, "no-gap", "copies and later messages that are equal cannot be told apart by time", ""},
    {Refusal::kSharedTopic, "shared-topic",
     "devices share the topic, and without client ids equal messages of two devices would be taken for copies", ""},
    {Refusal::kKnownShape, "known-shape", "a server must see these from every gateway or room", ""},
    {Refusal::kFanOut, "fan-out",
     "one publisher tells several receivers the same, as a command to a group does, and each must get it",
     "they differ in"},
    {Refusal::kNoWords, "no-words", "no rule can say what the copies have in common", ""},
    {Refusal::kStrangers, "strangers", "the rule would take other messages on these topics too", ""},
    {Refusal::kOtherThanThought, "other-than-thought",
     "applied to all that was watched, the rule drops more than these copies", ""},
};

const Words& WordsOf(Refusal refusal) {
  for (const Words& words : kWords) {
    if (words.refusal == refusal) return words;
  }
  return kWords[0];
}

}  // namespace

std::string SentenceOf(const GroupAdvice& finding) {
  const Words& words = WordsOf(finding.reason.refusal);
  std::string sentence = words.sentence;
  if (finding.reason.refusal == Refusal::kFewRepeats) {
    sentence +=
        finding.repeated_count == 1 ? ": 1 occasion" : ": " + std::to_string(finding.repeated_count) + " occasions";
  }
  if (finding.reason.refusal == Refusal::kNoRepeats && finding.only_whole_counts) {
    sentence += " as a whole; of payloads that are neither JSON nor protobuf a rule can leave nothing out";
  }
  if (!finding.reason.column.empty()) sentence += std::string(" (") + words.about + " " + finding.reason.column + ")";
  return sentence;
}

std::string WordOf(Refusal refusal) { return WordsOf(refusal).word; }

std::string DurationText(double seconds) {
  char text[40];
  if (!std::isfinite(seconds)) return "never";
  if (seconds < 10) {
    std::snprintf(text, sizeof text, seconds < 0.1 ? "%.3f s" : "%.2f s", seconds);
  } else if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else {
    const auto whole = static_cast<long>(seconds + 0.5);
    if (whole < 7200) {
      std::snprintf(text, sizeof text, "%ldm%02lds", whole / 60, whole % 60);
    } else {
      std::snprintf(text, sizeof text, "%ldh%02ldm", whole / 3600, whole / 60 % 60);
    }
  }
  return text;
}

}  // namespace dedup::command
