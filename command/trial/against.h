// The reasons against a key, one function each, in four files: counts, sides, content, time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "command/trial/hearing.h"

namespace dedup::command {

inline constexpr std::size_t kEventsLeast = 8;        ///< with copies
inline constexpr std::size_t kEventsLeastWithId = 5;  ///< where nothing is ignored and each event says which it is

/// What speaks against the key: the name of the column that it is about, which may be empty. Nothing: no reason.
using Against = std::optional<std::string>;

// How often the key comes: too rarely to judge by it, or too often for copies.
Against FewRepeats(const Hearing& hearing);
Against ManyInOne(const Hearing& hearing);
Against OneKey(const Hearing& hearing);

// Who sends the copies: several receivers of the same, or one publisher, stages and neighbours.
Against Stages(const Hearing& hearing);
Against FanOut(const Hearing& hearing);
Against NotTheSame(const Hearing& hearing);

// What differs within copies: what a receiver adds, or what an event is about.
Against MostlyEqual(const Hearing& hearing);
Against Content(const Hearing& hearing);
Against Measured(const Hearing& hearing);
Against OtherKind(const Hearing& hearing);
Against TooMuch(const Hearing& hearing);
Against NothingElse(const Hearing& hearing);

// When the copies come: sooner than the device says something else, or not.
Against ByChance(const Hearing& hearing);
Against TimeIgnored(const Hearing& hearing);
Against StateAgain(const Hearing& hearing);
Against NoGap(const Hearing& hearing);

}  // namespace dedup::command
