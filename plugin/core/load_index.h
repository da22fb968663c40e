// The remembered keys come back into memory at a start.
#pragma once

#include "index.h"
#include "journal.h"
#include "key.h"
#include "key_file.h"
#include "log.h"
#include "store.h"

namespace dedup {

/// Fills an empty index. Most keys come from their file; those behind it, and those that it has lost, from the rows,
/// and into the file; the newest from the records of `unstored`, which need not be rows, unless that is null. The log
/// hears of a damaged file, and of keys that repeat an earlier one. Errors: StorageError, std::bad_alloc.
void LoadIndex(Store& store, const StoreState& state, const Journal* unstored, const HashSecret& secret, KeyFile& keys,
               Index* index, LogQueue& log);

}  // namespace dedup
