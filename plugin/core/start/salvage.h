// What can still be read of a damaged database goes on in a new one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "plugin/core/base/log.h"
#include "plugin/core/start/seq_ranges.h"

namespace dedup {

struct Salvaged {
  std::uint64_t rows = 0;                   ///< came over
  std::uint64_t lost = 0;                   ///< rows that its index still knows of, and that the journal has not either
  std::uint64_t unreadable_pages = 0;       ///< or that nothing readable leads to
  std::uint64_t nameless_topics = 0;        ///< whose rows came over, as of LostTopicName
  std::vector<std::string> damaged_tables;  ///< but for that of the events
};

/// The topic of rows whose topic's name is lost: one that no event can have.
std::string LostTopicName(std::int64_t topic_id);

/// Copies what can still be read of a damaged database into a new one at `fresh`, durably: its state, how far
/// events.keys goes, its events in doubt, its rows and the rules with their keys. Each page is read by itself, so that
/// what is lost is at most what stood on the damaged ones. `in_journal`: events that the journal has, which are not
/// lost; what is lost is added to `lost_before` in the new one's counter. `damaged` is not changed. Errors:
/// StorageError.
Salvaged Salvage(const std::filesystem::path& damaged, const std::filesystem::path& fresh,
                 const SeqRanges& in_journal = {}, std::uint64_t lost_before = 0);

/// Puts what can be read of a data directory's damaged database in its place, sets the damaged one aside, and notes in
/// the journal that rows may be missing. `damage`, for the log, is what was wrong. Errors: StorageError, and those of
/// std::filesystem; the directory is then as it was, or as a death on the way leaves it.
void SalvageStore(const std::filesystem::path& data_dir, const char* damage, LogQueue& log);

/// Ends a salvage of this database that a death has cut short, if there was one. To be called before it is opened.
void FinishSalvage(const std::filesystem::path& database);

}  // namespace dedup
