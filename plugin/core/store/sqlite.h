// SQLite as values with lifetimes: the only home of sqlite3.h, but for what yielding_vfs.cpp puts below it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/base/errors.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace dedup::sqlite {

/// SQLite says that the file is not a database or that its structure is broken.
class CorruptDatabase : public StorageError {
 public:
  using StorageError::StorageError;
};

/// Another connection holds a lock, longer than the busy timeout: nothing has been written, and nothing is wrong.
class BusyDatabase : public StorageError {
 public:
  using StorageError::StorageError;
};

/// Bytes to be bound as a BLOB rather than as TEXT.
struct BlobView {
  std::string_view bytes;
};

/// A row that a statement visits, and all that it gives, valid while it is visited.
class Row {
 public:
  explicit Row(sqlite3_value** values) : values_(values) {}

  std::int64_t Integer(int column) const;
  std::string_view Bytes(int column) const;
  std::optional<std::string_view> OptionalBytes(int column) const;  ///< nothing for NULL
  bool IsNull(int column) const;

 private:
  sqlite3_value** const values_;
};

/// A connection. Errors of everything here: StorageError with SQLite's words; CorruptDatabase or BusyDatabase where
/// SQLite says so. One that writes does so in small pieces where its thread is patient (patience.h).
///
/// Whatever a stranger has put into the file: no trigger runs, no view can be read, nothing in the schema calls a
/// function that does more than compute. The file may be no symbolic link; its directory may.
///
/// Threading: one thread at a time for a connection and its statements.
class Database {
 public:
  /// kInMemory: one of its own; the path only names it in errors.
  enum class Mode { kReadOnly, kReadWriteCreate, kInMemory };

  Database(const std::filesystem::path& path, Mode mode);
  Database(const Database&) = delete;  // statements hold a reference to it
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs statements that return nothing of interest.
  void Execute(const char* sql);
  /// The first column of the first row of `sql`; 0 where there is no row.
  std::int64_t QueryInteger(const char* sql);
  std::int64_t changes() const;
  /// Rows changed since the connection was opened.
  std::int64_t total_changes() const;
  /// The size of the WAL after the newest commit since CheckpointPassive. SQLite checkpoints by itself only when the
  /// last connection closes.
  int wal_pages() const { return wal_pages_; }
  /// Brings the WAL's pages into the main file, as far as readers let it.
  void CheckpointPassive();
  const std::filesystem::path& path() const { return path_; }
  /// Whether the last connection's end brings the WAL into the main file, as SQLite does unless told otherwise.
  void SetCheckpointOnClose(bool is_wanted);
  /// Waits up to this long for another connection's lock.
  void SetBusyTimeout(int timeout_ms);

  [[noreturn]] void Throw(const char* call) const;

 private:
  friend class Statement;
  struct Visitor;
  void TrustNothing();

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  int wal_pages_ = 0;
  Visitor* visitor_ = nullptr;  // of the statement that is at work
};

/// A prepared statement, declared together with its SQL. Bound text and blobs must live until Reset(), Run() or
/// Visit().
class Statement {
 public:
  Statement(Database& database, const char* sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Binds the parameters from the first on, in order.
  template <class... Values>
  Statement& Bind(const Values&... values) {
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }
  /// To the next row; false when there is none, and then the statement is reset.
  bool Step();
  /// Runs to the end and resets.
  void Run();
  void Reset();
  /// Calls `on_row` for one row after the other until it returns false, then resets. Faster than Step(): SQLite stays
  /// in its loop between two rows and looks no column up. The rows are those of a query whose last condition is
  /// `visit(…)`, with the columns to show; it must not need to sort them. Returns whether `on_row` has ended it. What
  /// `on_row` throws goes on to the caller. It may use other statements.
  bool Visit(const std::function<bool(const Row&)>& on_row);

  std::int64_t Integer(int column) const;
  bool IsNull(int column) const;
  /// Valid until the next Step, Run or Reset.
  std::string_view Bytes(int column) const;

 private:
  void BindOne(int index, std::int64_t value);
  void BindOne(int index, std::uint64_t value) { BindOne(index, static_cast<std::int64_t>(value)); }
  void BindOne(int index, int value) { BindOne(index, std::int64_t{value}); }
  void BindOne(int index, std::string_view text);
  void BindOne(int index, const BlobView& blob);
  void BindNull(int index);
  template <class Value>
  void BindOne(int index, const std::optional<Value>& value) {  // NULL without one
    if (value) {
      BindOne(index, *value);
    } else {
      BindNull(index);
    }
  }

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

/// BEGIN IMMEDIATE … COMMIT, or ROLLBACK when it goes out of scope before.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void Commit();

 private:
  Database& database_;
  bool open_ = true;
};

/// What the reads of its lifetime see is the database at one moment. Statements must be reset before its end.
class Snapshot {
 public:
  explicit Snapshot(Database& database);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

 private:
  Database& database_;
};

}  // namespace dedup::sqlite
