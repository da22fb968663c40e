// Whether a database is one of ours: a stranger's may do more than hold rows.
#pragma once

#include "plugin/core/store/sqlite.h"

namespace dedup {

/// Reads sqlite_schema of a database whose user_version is 1 to kSchemaVersion, and nothing else. Its tables and their
/// indexes must be those that a mosquitto-dedup makes, but for plain indexes that somebody has added; there may be no
/// triggers. Views and further tables may be there, for nothing here looks at them. Errors: StorageError that names
/// what is wrong; sqlite::CorruptDatabase.
void CheckSchema(sqlite::Database& database);

}  // namespace dedup
