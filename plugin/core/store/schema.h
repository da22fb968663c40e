// The tables of events.db, and how those of older versions become today's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "plugin/core/store/sqlite.h"

namespace dedup {

inline constexpr int kSchemaVersion = 6;

/// The table `times` has a row for so many seqs.
inline constexpr std::int64_t kSeqsPerTimes = 1024;

/// An older database was brought to kSchemaVersion.
struct Migration {
  int from_version;
  std::optional<std::uint64_t> event_count;  ///< how many there are, where their table or an index was made anew
  std::chrono::milliseconds duration;
};

/// Whether the table `state` has a column, which that of an older database may lack.
bool StateHas(sqlite::Database& database, const char* column);

/// Gives the database a WAL, and makes the tables in an empty one or migrates an older one, in one transaction: a death
/// on the way, or a full disk, leaves the tables as they were, and the next start does it again. A migration needs as
/// much room again as the database takes, for its time. Errors: StorageError; for a database that no mosquitto-dedup
/// made, or a newer one, before anything is written.
std::optional<Migration> PrepareSchema(sqlite::Database& database);

}  // namespace dedup
