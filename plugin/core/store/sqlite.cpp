#include "plugin/core/store/sqlite.h"

#include <sqlite3.h>

#include <exception>
#include <system_error>
#include <utility>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/patience.h"
#include "plugin/core/store/yielding_vfs.h"

namespace dedup::sqlite {
namespace {

// Some 5 us of them.
constexpr int kOperationsBetweenYields = 100;

// Each sqlite3_column_* looks the column up and takes the connection's mutex, if it has one; the value's own functions
// do not, which is all right on one thread.
std::string_view BytesOf(sqlite3_value* value) {
  const auto* const bytes = static_cast<const char*>(sqlite3_value_blob(value));
  return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

// SQLite, told to follow no symbolic link, would take offence at those of the directory too.
std::string WithoutLinksOnTheWay(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path directory =
      std::filesystem::canonical(path.has_parent_path() ? path.parent_path() : ".", error);
  return error ? path : directory / path.filename();
}

}  // namespace

struct Database::Visitor {
  const std::function<bool(const Row&)>& on_row;
  std::exception_ptr failure = nullptr;  // none may pass through SQLite
};

Database::Database(const std::filesystem::path& path, Mode mode) : path_(path) {
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                    (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const std::string name = mode == Mode::kInMemory ? ":memory:" : WithoutLinksOnTheWay(path);
  const int result = sqlite3_open_v2(name.c_str(), &handle_, flags, mode == Mode::kReadOnly ? nullptr : YieldingVfs());
  if (result != SQLITE_OK) {
    std::string reason = handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_);
    if (sqlite3_extended_errcode(handle_) == SQLITE_CANTOPEN_SYMLINK) {
      reason =
          "it is a symbolic link; its directory may be one, it may not: move the file here in place of the link, or "
          "let "
          "data_dir lead to the file's directory";
    }
    sqlite3_close_v2(handle_);
    throw StorageError("sqlite3_open", path_, reason);
  }
  sqlite3_extended_result_codes(handle_, 1);
  TrustNothing();
  if (mode != Mode::kReadOnly) {
    sqlite3_progress_handler(
        handle_, kOperationsBetweenYields,
        [](void*) {
          YieldIfPatient();
          return 0;
        },
        nullptr);
  }
  // In place of SQLite's own checkpoints, whose failures nobody would hear of.
  sqlite3_wal_hook(
      handle_,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &wal_pages_);
  // True for the row that ends a visit; for those before it NULL, which takes no call.
  const auto visit = [](sqlite3_context* context, int, sqlite3_value** values) {
    Visitor& visitor = **static_cast<Visitor**>(sqlite3_user_data(context));
    try {
      if (visitor.on_row(Row(values))) return;
    } catch (...) {
      visitor.failure = std::current_exception();
    }
    sqlite3_result_int(context, 1);
  };
  sqlite3_create_function(handle_, "visit", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, &visitor_, visit, nullptr, nullptr);
}

Database::~Database() { sqlite3_close_v2(handle_); }

// Before the first statement, for that reads the schema.
void Database::TrustNothing() {
  constexpr std::pair<int, int> kSettings[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                               {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                               {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                               {SQLITE_DBCONFIG_ENABLE_VIEW, 0}};
  for (const auto& [setting, value] : kSettings) sqlite3_db_config(handle_, setting, value, nullptr);
}

void Database::SetCheckpointOnClose(bool is_wanted) {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_wanted ? 0 : 1, nullptr);
}

void Database::Throw(const char* call) const {
  const int code = sqlite3_errcode(handle_) & 0xFF;
  std::string reason = sqlite3_errmsg(handle_);
  if (code == SQLITE_IOERR && sqlite3_system_errno(handle_) != 0) {
    reason += " (" + std::system_category().message(sqlite3_system_errno(handle_)) + ")";
  }
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) throw CorruptDatabase(call, path_, reason);
  if (code == SQLITE_BUSY) throw BusyDatabase(call, path_, reason);
  throw StorageError(call, path_, reason);
}

void Database::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Throw("sqlite3_exec");
}

std::int64_t Database::QueryInteger(const char* sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

std::int64_t Database::total_changes() const { return sqlite3_total_changes64(handle_); }

void Database::CheckpointPassive() {
  QueryInteger("PRAGMA wal_checkpoint(PASSIVE)");
  wal_pages_ = 0;
}

void Database::SetBusyTimeout(int timeout_ms) { sqlite3_busy_timeout(handle_, timeout_ms); }

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (sqlite3_prepare_v3(database.handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr) != SQLITE_OK) {
    database.Throw("sqlite3_prepare");
  }
}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::BindOne(int index, std::int64_t value) {
  if (sqlite3_bind_int64(handle_, index, value) != SQLITE_OK) database_.Throw("sqlite3_bind");
}

// A null pointer would bind NULL in place of an empty value.
void Statement::BindOne(int index, std::string_view text) {
  const char* const bytes = text.data() == nullptr ? "" : text.data();
  if (sqlite3_bind_text64(handle_, index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
    database_.Throw("sqlite3_bind");
  }
}

void Statement::BindNull(int index) {
  if (sqlite3_bind_null(handle_, index) != SQLITE_OK) database_.Throw("sqlite3_bind");
}

void Statement::BindOne(int index, const BlobView& blob) {
  const char* const bytes = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  if (sqlite3_bind_blob64(handle_, index, bytes, blob.bytes.size(), SQLITE_STATIC) != SQLITE_OK) {
    database_.Throw("sqlite3_bind");
  }
}

bool Statement::Step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  // The reset comes first, so that the statement is usable again whatever the caller does with the error.
  if (sqlite3_reset(handle_) != SQLITE_OK) database_.Throw("sqlite3_step");
  return false;
}

void Statement::Run() {
  while (Step()) {
  }
}

bool Statement::Visit(const std::function<bool(const Row&)>& on_row) {
  Database::Visitor visitor{.on_row = on_row};
  Database::Visitor* const outer = std::exchange(database_.visitor_, &visitor);
  const bool is_ended = sqlite3_step(handle_) == SQLITE_ROW;
  database_.visitor_ = outer;
  const bool has_failed = sqlite3_reset(handle_) != SQLITE_OK;
  if (visitor.failure) std::rethrow_exception(visitor.failure);
  if (has_failed) database_.Throw("sqlite3_step");
  return is_ended;
}

void Statement::Reset() { sqlite3_reset(handle_); }

std::int64_t Statement::Integer(int column) const { return sqlite3_column_int64(handle_, column); }

bool Statement::IsNull(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::string_view Statement::Bytes(int column) const { return BytesOf(sqlite3_column_value(handle_, column)); }

std::int64_t Row::Integer(int column) const { return sqlite3_value_int64(values_[column]); }

std::string_view Row::Bytes(int column) const { return BytesOf(values_[column]); }

std::optional<std::string_view> Row::OptionalBytes(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Bytes(column);
}

bool Row::IsNull(int column) const { return sqlite3_value_type(values_[column]) == SQLITE_NULL; }

Transaction::Transaction(Database& database) : database_(database) { database_.Execute("BEGIN IMMEDIATE"); }

namespace {

void RollBack(Database& database) {
  try {
    database.Execute("ROLLBACK");
  } catch (const StorageError&) {
    // SQLite has rolled back by itself, as it does on a full disk.
  }
}

}  // namespace

Transaction::~Transaction() {
  if (open_) RollBack(database_);
}

void Transaction::Commit() {
  database_.Execute("COMMIT");
  open_ = false;
}

Snapshot::Snapshot(Database& database) : database_(database) { database_.Execute("BEGIN"); }

Snapshot::~Snapshot() { RollBack(database_); }

}  // namespace dedup::sqlite
