// What can still be read of a damaged database goes on in a new one.
#pragma once

#include <cstdint>
#include <filesystem>

#include "plugin/core/base/log.h"

namespace dedup {

struct Salvaged {
  std::uint64_t rows = 0;  ///< came over
  bool is_all = false;     ///< no damage was met on the way
};

/// Copies what can still be read of a damaged database into a new one at `fresh`, durably: its state, how far
/// events.keys goes, its events in doubt, and its rows, in both directions up to the damage. `damaged` is not changed.
/// Errors: StorageError.
Salvaged Salvage(const std::filesystem::path& damaged, const std::filesystem::path& fresh);

/// Puts what can be read of a data directory's damaged database in its place, sets the damaged one aside, and notes in
/// the journal that rows may be missing. `damage`, for the log, is what was wrong. Errors: StorageError, and those of
/// std::filesystem; the directory is then as it was, or as a death on the way leaves it.
void SalvageStore(const std::filesystem::path& data_dir, const char* damage, LogQueue& log);

/// Ends a salvage of this database that a death has cut short, if there was one. To be called before it is opened.
void FinishSalvage(const std::filesystem::path& database);

}  // namespace dedup
