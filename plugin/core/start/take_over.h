// What a reader of another user has left beside the database.
#pragma once

#include <filesystem>

#include "plugin/core/base/log.h"

namespace dedup {

/// Makes the files that SQLite keeps beside a database the broker's own, where they are not: a reader makes them too,
/// and with another user the broker may not write them. What a WAL holds is kept. To be called before the database is
/// opened, which need not be there. Errors: StorageError, also while another process has such a database open.
void TakeOverBeside(const std::filesystem::path& database, LogQueue& log);

}  // namespace dedup
