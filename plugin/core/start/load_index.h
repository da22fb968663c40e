// The remembered keys come back into memory at a start.
#pragma once

#include "plugin/core/base/log.h"
#include "plugin/core/event/key.h"
#include "plugin/core/index/index.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/index/windows.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// Fills an empty index, and the windows of its keys. Most keys come from their file; those behind it, and those that
/// it has lost, from the rows, and into the file; those that rules have made from a table of the store; the newest of
/// all from the records of `unstored`, which need not be rows, unless that is null. The log hears of a damaged file,
/// and of keys that repeat an earlier one. `now_ms`: on the age clock. Errors: StorageError, std::bad_alloc.
void LoadIndex(Store& store, const StoreState& state, const Journal* unstored, const HashSecret& secret,
               std::int64_t now_ms, KeyFile& keys, Index* index, Windows* windows, LogQueue& log);

}  // namespace dedup
