// Damaged files make way under a name with the time; none is deleted.
#pragma once

#include <filesystem>
#include <memory>

#include "plugin/core/base/log.h"
#include "plugin/core/journal/journal.h"

namespace dedup {

/// Renames a file, and what SQLite keeps beside it, out of the way, durably. Returns the new name. Errors: those of
/// std::filesystem, StorageError.
std::filesystem::path SetAside(const std::filesystem::path& path);

/// Gives a file a second name out of the way, durably, so that another can take its place. Returns that name. Errors:
/// as above.
std::filesystem::path KeepAside(const std::filesystem::path& path);

/// Deletes a database, which may be absent, and what SQLite keeps beside it.
void RemoveDatabase(const std::filesystem::path& path);

/// Opens the journal of a data directory; a damaged one is set aside, and the log hears of it. nullptr: there is none.
/// Errors: StorageError, also when it is of a newer version.
std::unique_ptr<Journal> OpenJournal(const std::filesystem::path& data_dir, LogQueue& log);

}  // namespace dedup
