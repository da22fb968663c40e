// An event that goes into a journal in one step.
#pragma once

#include "plugin/core/journal/journal.h"

namespace dedup {

/// Prepare and Commit. False when there is no room, or the journal is not healthy.
inline bool Append(Journal& journal, const Event& event) {
  if (!journal.Prepare(event)) return false;
  journal.Commit();
  return true;
}

}  // namespace dedup
