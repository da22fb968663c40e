// The limit of the store: what SQLite itself does, without anything of ours but the schema.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace dedup::bench {

/// Inserts rows into events.db, by SQLite's C API, with a WAL and a large cache. Errors: std::runtime_error.
class PlainInsert {
 public:
  /// The database has our schema and no rows; all rows are of one topic and one source, as in MakeEvent.
  PlainInsert(const std::filesystem::path& database, const std::string& topic);
  ~PlainInsert();
  PlainInsert(const PlainInsert&) = delete;
  PlainInsert& operator=(const PlainInsert&) = delete;

  void Begin() { Execute("BEGIN"); }
  void Insert(std::string_view event_id, std::string_view payload);
  void Commit() { Execute("COMMIT"); }
  void Checkpoint() { Execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

 private:
  void Execute(const std::string& sql);
  void Check(int result);

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::int64_t seq_ = 0;
};

/// Reads every column of every event, in order of seq. Returns the bytes of topics, ids and payloads.
std::uint64_t PlainScan(const std::filesystem::path& database);

}  // namespace dedup::bench
