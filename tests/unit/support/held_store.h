// A store that takes no events: whatever else is written to it succeeds.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>

namespace dedup {

/// While it is held, every transaction that makes a row of the table `events` fails at its commit, in all connections
/// of this process that were opened since its first use.
class HeldStore {
 public:
  static void Hold(bool is_held) {
    static const int registered = sqlite3_auto_extension(reinterpret_cast<void (*)()>(Watch));
    static_cast<void>(registered);
    is_held_ = is_held;
  }

 private:
  struct Transaction {
    bool has_events = false;
  };

  static int Watch(sqlite3* database, char**, const sqlite3_api_routines*) {
    const std::lock_guard lock(mutex_);
    Transaction* const transaction = &transactions_.emplace_back();
    const auto on_row = [](void* of, int operation, const char*, const char* table, sqlite3_int64) {
      static_cast<Transaction*>(of)->has_events |= operation == SQLITE_INSERT && std::strcmp(table, "events") == 0;
    };
    const auto on_commit = [](void* of) {
      const bool has_events = static_cast<Transaction*>(of)->has_events;
      static_cast<Transaction*>(of)->has_events = false;
      return has_events && is_held_ ? 1 : 0;
    };
    const auto on_rollback = [](void* of) { static_cast<Transaction*>(of)->has_events = false; };
    sqlite3_update_hook(database, on_row, transaction);
    sqlite3_commit_hook(database, on_commit, transaction);
    sqlite3_rollback_hook(database, on_rollback, transaction);
    return SQLITE_OK;
  }

  static inline std::atomic<bool> is_held_ = false;
  static inline std::mutex mutex_;
  static inline std::deque<Transaction> transactions_;  // guarded by mutex_
};

}  // namespace dedup
