// The start: lock, open store and journal, look, decide, act (docs/internals/recovery.md).
#pragma once

#include <memory>
#include <vector>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/base/log.h"
#include "plugin/core/index/index.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/index/windows.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/options.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// A data directory, ready to work.
struct Recovered {
  File lock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Journal> journal;  // its records are for the writer to store: after a death of the process, many
  std::unique_ptr<KeyFile> keys;
  std::unique_ptr<Clock> clock;
  StoreState state;
  bool may_be_suspect = false;  // what the last run has written may not all be on the disk
  std::uint64_t unstored = 0;   // of those records, events that are no rows yet
  Index index;
  Windows windows;  // of its keys
  std::vector<EventInDoubt> in_doubt;
};

/// Another broker, or another listener's plugin in this one, uses the data directory.
class DataDirInUse : public StorageError {
 public:
  using StorageError::StorageError;
};

/// Makes the data directory ready. Damaged files are set aside under a name with the time, never deleted, and what
/// could be read of them is kept; `log` hears of it. Errors: StorageError, also when a file is of a newer version;
/// DataDirInUse. After an error it may be tried again.
Recovered Recover(const Options& options, LogQueue& log);

}  // namespace dedup
