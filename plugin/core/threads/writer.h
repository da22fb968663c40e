// The second thread: it brings the journal's events into the store, and whatever else may wait for a disk.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/log.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/observe/conflict_check.h"
#include "plugin/core/options.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// Moves records from the journal to the store, many in a transaction, from those on that an earlier run has left
/// there; gives the journal's room back once the store holds its records durably and they are known to be handed on;
/// expires rows. Beside that it finds out which duplicates have another payload than their first event.
///
/// When the store fails it says so once a minute, tries again every half second, and the journal takes what arrives.
/// After a failure no room is given back before SQLite has written everything to its main file anew, for what a failed
/// sync has left on the disk is unknown. `may_be_suspect`: the run before did not stop in order, so perhaps it had
/// failed. Threading: the constructor starts the thread, the destructor stops it after one last attempt to store
/// everything; the other functions are for the main thread. Ownership: refers to journal, store, keys, clock, log
/// and conflicts, which must outlive it.
class Writer {
 public:
  Writer(Journal& journal, Store& store, KeyFile& keys, Clock& clock, LogQueue& log, const Options& options,
         const StoreState& state, bool may_be_suspect, ConflictLink& conflicts);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  /// To be called after an append. Costs one load, and a system call only when the writer had nothing to do for a
  /// while.
  void Notify() {
    if (idle_.load(std::memory_order_relaxed)) Wake();
  }

  /// Ids of events up to this seq are to be forgotten; their rows are gone, or marked, durably.
  std::uint64_t forgotten_seq() const { return forgotten_seq_.load(std::memory_order_acquire); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // What was done between two waits.
  struct Turn {
    bool has_worked = false;
    std::uint64_t rows = 0;
    std::uint64_t journal_bytes = 0;
  };

  void Run();
  Turn RunOnce(bool last);
  void CheckFiles();
  bool StoreBatch(Store::Durability durability);
  void Release(bool now);
  bool Expire(std::uint64_t rows_max);
  bool ExpireRuleKeys(std::uint64_t rows_max);
  void LookForConflicts();
  void Wait(std::chrono::milliseconds timeout);
  void Wake();

  Journal& journal_;
  Store& store_;
  KeyFile& keys_;
  Clock& clock_;
  LogQueue& log_;
  const Options& options_;
  StoreState state_;
  std::uint64_t stored_position_;
  SteadyTime next_check_{};
  SteadyTime next_release_{};
  SteadyTime next_expiry_{};
  SteadyTime next_rule_expiry_{};
  bool failing_ = false;
  // A write or sync of the store failed since its last full checkpoint: in this run, or perhaps in the one before.
  bool suspect_;
  OncePerMinute failure_log_;
  OncePerMinute conflict_log_;
  ConflictCheck conflicts_;
  OncePerMinute unreadable_log_;

  std::atomic<std::uint64_t> forgotten_seq_;
  std::atomic<bool> idle_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;  // last, for it uses all of the above
};

}  // namespace dedup
