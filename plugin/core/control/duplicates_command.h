// The command about the duplicates of single events.
#pragma once

#include <string>
#include <string_view>

#include "plugin/core/observe/duplicate_counts.h"

namespace dedup {

/// Answers `{"command":"duplicates","seqs":[17,18]}`, a valid JSON object, with a JSON object: how many duplicates came
/// of these events, of those that are among the latest. Errors: std::bad_alloc.
std::string TellDuplicates(std::string_view command, const DuplicateCounts& counts);

}  // namespace dedup
