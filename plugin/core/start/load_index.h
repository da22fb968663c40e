// The remembered keys come back into memory at a start.
#pragma once

#include "plugin/core/base/log.h"
#include "plugin/core/event/key.h"
#include "plugin/core/index/index.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// Fills an empty index. Most keys come from their file; those behind it, and those that it has lost, from the rows,
/// and into the file; the newest from the records of `unstored`, which need not be rows, unless that is null. The log
/// hears of a damaged file, and of keys that repeat an earlier one. Errors: StorageError, std::bad_alloc.
void LoadIndex(Store& store, const StoreState& state, const Journal* unstored, const HashSecret& secret, KeyFile& keys,
               Index* index, LogQueue& log);

}  // namespace dedup
