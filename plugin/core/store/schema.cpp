#include "plugin/core/store/schema.h"

#include <string>

#include "plugin/core/base/errors.h"
#include "plugin/core/event/source.h"
#include "plugin/core/store/schema_check.h"
#include "plugin/core/store/tables.h"

namespace dedup {

bool StateHas(sqlite::Database& database, const char* column) {
  const std::string sql = "SELECT count(*) FROM pragma_table_info('state') WHERE name = '" + std::string(column) + "'";
  return database.QueryInteger(sql.c_str()) != 0;
}

namespace {

// What version 5 is there for: the column `synced` came to version 1 without a new version, so a database that an older
// mosquitto-dedup made lacks it, whatever it was migrated to since.
void AddSynced(sqlite::Database& database) {
  if (StateHas(database, "synced")) return;
  database.Execute("ALTER TABLE state RENAME TO state_1");
  database.Execute(kStateTable);
  database.Execute(
      "DELETE FROM state;"
      "INSERT INTO state SELECT one, stored_seq, forgotten_seq, skipped_seqs, duplicates, passed, refused, "
      "invalid_ids, unstored, 0 FROM state_1;"
      "DROP TABLE state_1");
}

void MigrateFrom1(sqlite::Database& database) {
  database.Execute("DROP VIEW readable_events");
  database.Execute("ALTER TABLE events RENAME TO events_1");
  database.Execute(kEventTables);
  {
    sqlite::Statement rows(database,
                           "SELECT seq, topic_id, event_id, expired, received_us, accepted_ms, payload "
                           "FROM events_1 ORDER BY seq");
    sqlite::Statement insert(database, "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    SourceBuffer buffer;
    while (rows.Step()) {
      const std::string_view payload = rows.Bytes(6);
      insert
          .Bind(rows.Integer(0), rows.Integer(1), rows.Bytes(2), rows.Integer(3), rows.Integer(4), rows.Integer(5),
                FindSource(payload, buffer), sqlite::BlobView{payload})
          .Run();
    }
  }
  database.Execute("DROP TABLE events_1");
  database.Execute(("INSERT INTO times SELECT seq / " + std::to_string(kSeqsPerTimes) +
                    ", min(received_us), max(received_us) FROM events GROUP BY 1")
                       .c_str());
  database.Execute(kIndexes);
}

void RefuseForeign(sqlite::Database& database) {
  const auto version = database.QueryInteger("PRAGMA user_version");
  if (version > kSchemaVersion) {
    throw StorageError("open", database.path(),
                       "written by a newer mosquitto-dedup (schema " + std::to_string(version) +
                           ", this one knows up to " + std::to_string(kSchemaVersion) + ")");
  }
  if (version != 0) return CheckSchema(database);
  if (database.QueryInteger("SELECT count(*) FROM sqlite_schema") != 0) {
    throw StorageError("open", database.path(), "it has tables, but none of a mosquitto-dedup (user_version is 0)");
  }
}

}  // namespace

std::optional<Migration> PrepareSchema(sqlite::Database& database) {
  RefuseForeign(database);
  // Before the tables are made: a writer and a reader that meet at a WAL with nothing in it can keep each other from
  // beginning for 10 s ("locking protocol").
  database.Execute("PRAGMA journal_mode = WAL");
  const auto version = static_cast<int>(database.QueryInteger("PRAGMA user_version"));
  if (version == kSchemaVersion) return std::nullopt;
  const auto begin = std::chrono::steady_clock::now();
  sqlite::Transaction transaction(database);
  if (version == 0) {
    database.Execute(kFixedTables);
    database.Execute(kStateTable);
    database.Execute(kEventTables);
    database.Execute(kIndexes);
  } else {
    if (version == 1) MigrateFrom1(database);
    if (version == 2 || version == 3) database.Execute("DROP INDEX events_by_id");
    AddSynced(database);
  }
  if (version < 3) database.Execute(kKeyTable);
  if (version < 4) database.Execute(kIdIndex);
  database.Execute(kRuleTables);
  database.Execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  std::optional<Migration> migration;
  if (version != 0) {
    migration = {.from_version = version, .event_count = std::nullopt, .duration = {}};
    if (version < 4) {
      migration->event_count = static_cast<std::uint64_t>(database.QueryInteger("SELECT count(*) FROM events"));
    }
  }
  transaction.Commit();
  if (migration) {
    migration->duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  }
  return migration;
}

}  // namespace dedup
