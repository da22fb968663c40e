// Journals that an earlier version wrote.
#pragma once

#include <filesystem>

namespace dedup {

/// Brings the journal of a data directory to today's format, in one step, before it is opened: a death on the way
/// leaves the one or the other. Returns whether that took a new file, which needs as much room as the old one for as
/// long. What is no journal, or has a damaged beginning, is left for Journal::Open to tell. Errors: StorageError; then
/// the old file is as it was, and it may be tried again.
bool MigrateJournal(const std::filesystem::path& data_dir);

}  // namespace dedup
