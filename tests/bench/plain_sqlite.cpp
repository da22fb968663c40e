#include "tests/bench/plain_sqlite.h"

#include <sqlite3.h>

#include <stdexcept>

namespace dedup::bench {

PlainInsert::PlainInsert(const std::filesystem::path& database, const std::string& topic) {
  Check(sqlite3_open(database.c_str(), &database_));
  Execute("PRAGMA journal_mode = WAL");
  Execute("PRAGMA synchronous = NORMAL");
  Execute("PRAGMA cache_size = -65536");  // KiB
  Execute("INSERT INTO topics(topic_id, topic) VALUES(1, '" + topic + "')");
  Check(sqlite3_prepare_v2(database_,
                           "INSERT INTO events(seq, topic_id, event_id, received_us, accepted_ms, source, payload) "
                           "VALUES(?, 1, ?, ?, ?, 'bench', ?)",
                           -1, &insert_, nullptr));
}

PlainInsert::~PlainInsert() {
  sqlite3_finalize(insert_);
  sqlite3_close(database_);
}

void PlainInsert::Insert(std::string_view event_id, std::string_view payload) {
  constexpr std::int64_t kNowUs = 1'767'225'600'000'000;
  sqlite3_bind_int64(insert_, 1, ++seq_);
  sqlite3_bind_text(insert_, 2, event_id.data(), static_cast<int>(event_id.size()), SQLITE_STATIC);
  sqlite3_bind_int64(insert_, 3, kNowUs + seq_);
  sqlite3_bind_int64(insert_, 4, (kNowUs + seq_) / 1000);
  sqlite3_bind_blob(insert_, 5, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
  sqlite3_step(insert_);
  Check(sqlite3_reset(insert_));
}

void PlainInsert::Execute(const std::string& sql) {
  Check(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

void PlainInsert::Check(int result) {
  if (result != SQLITE_OK) throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
}

std::uint64_t PlainScan(const std::filesystem::path& database) {
  sqlite3* connection = nullptr;
  sqlite3_stmt* rows = nullptr;
  if (sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK ||
      sqlite3_prepare_v2(connection,
                         "SELECT seq, topic, event_id, received_us, payload "
                         "FROM events JOIN topics USING(topic_id) ORDER BY seq",
                         -1, &rows, nullptr) != SQLITE_OK) {
    throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(connection));
  }
  std::uint64_t bytes = 0;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    for (const int column : {1, 2, 4}) {
      if (sqlite3_column_blob(rows, column) != nullptr)
        bytes += static_cast<unsigned>(sqlite3_column_bytes(rows, column));
    }
  }
  sqlite3_finalize(rows);
  sqlite3_close(connection);
  return bytes;
}

}  // namespace dedup::bench
