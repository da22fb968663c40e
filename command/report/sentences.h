// What was found out, in words.
#pragma once

#include <string>

#include "command/advise/advise.h"

namespace dedup::command {

/// Why no rule is proposed for the group, as a sentence without a full stop.
std::string SentenceOf(const GroupAdvice& finding);

/// The reason as one word for machines: "few-repeats".
std::string WordOf(Refusal refusal);

/// "0.25 s", "12 s", "3m20s", "2h5m".
std::string DurationText(double seconds);

}  // namespace dedup::command
