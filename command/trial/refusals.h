// The reasons why a key may be wrong, each looked for in what it does to the messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "command/trial/hearing.h"

namespace dedup::command {

/// In the order in which they are looked for.
enum class Refusal : std::uint8_t {
  kNone,
  kNoRepeats,         ///< nothing comes twice
  kFewRepeats,        ///< too few to judge by
  kManyInOne,         ///< the same key again and again: a session's or a device's id
  kOneKey,            ///< most repeats are of one key
  kStages,            ///< one side is always first: a request and its answer, the raw and the cleaned
  kMostlyEqual,       ///< what would be ignored agrees in most pairs, and not by chance
  kContent,           ///< what stays from event to event differs within pairs
  kMeasured,          ///< a measurement would be ignored
  kOtherKind,         ///< members come and go together
  kTooMuch,           ///< one publisher's messages that differ in many members
  kNothingElse,       ///< of the key only the clock changes, or nothing: it says no more than the device and the time
  kByChance,          ///< as many events would have the same key by chance
  kTimeIgnored,       ///< an event's own time would be ignored, and repeats are no faster than the device
  kNotTheSame,        ///< the same id or moment from several sides, but not the same content
  kStateAgain,        ///< nothing in it but the device: its latest state is said again
  kNoGap,             ///< repeats that are copies and others cannot be told apart by time
  kSharedTopic,       ///< devices share the topic, and which one it was is not known
  kKnownShape,        ///< messages that a server must see from each gateway
  kFanOut,            ///< one publisher, or a command, tells several receivers the same, and each must get it
  kNoWords,           ///< no rule can say it
  kStrangers,         ///< the rule would take other messages on the same topics too
  kOtherThanThought,  ///< the rule would drop more than these copies
};

struct Reason {
  Refusal refusal = Refusal::kNone;
  std::string column;  ///< the member, field or level that it is about; may be empty
};

/// The first reason against the key, but for those that the window gives.
Reason ReasonAgainst(const Hearing& hearing);

}  // namespace dedup::command
