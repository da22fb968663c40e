// The start's second step, to decide: what is done about what was found.
#pragma once

#include <cstdint>

#include "plugin/core/start/survey.h"

namespace dedup {

/// What a start does. Without any of it the journal goes on as it is: the broker serves, and the writer stores the
/// records meanwhile.
struct Decision {
  bool stores_first = false;   ///< all records become rows, and the journal lets go of them, before the broker serves
  bool makes_journal = false;  ///< a new one, in the place of the one that may be there
  bool skips_seqs = false;     ///< kSeqsSkipped of them, behind the newest
  bool distrusts_header = false;   ///< the journal's newest seq cannot be: kSeqsSkipped more, behind what else is known
  bool keeps_old_journal = false;  ///< the one whose place the new one takes is set aside
};

Decision Decide(const Survey& found);

}  // namespace dedup
