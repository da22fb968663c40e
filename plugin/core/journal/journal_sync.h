// The journal's way to the disk, and what follows when that fails.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "plugin/core/base/file.h"
#include "plugin/core/journal/journal_header.h"

namespace dedup {

/// Brings what was written to a journal's mapping to the disk.
///
/// Threading: any, but for BeginAt. Ownership: refers to what it is given, which must outlive it. Errors: StorageError.
class JournalSync {
 public:
  /// The records that count lie between the two positions, which move on meanwhile.
  JournalSync(const File& file, const RingMapping& mapping, const std::atomic<std::uint64_t>& free_position,
              const std::atomic<std::uint64_t>& appended_position);
  JournalSync(const JournalSync&) = delete;
  JournalSync& operator=(const JournalSync&) = delete;

  /// As Journal::Sync.
  void Run();
  /// Whether the last one has succeeded.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

  /// The records begin elsewhere than it seemed at the construction. Before the first Run.
  void BeginAt(std::uint64_t position);
  /// The last sync of an earlier process has failed: the next Run writes every page anew. Before the first Run.
  void BeginUnhealthy() { healthy_.store(false, std::memory_order_relaxed); }

 private:
  JournalHeader& header();
  void BeginWriteBack();
  void Rewrite();
  void Count(std::chrono::steady_clock::duration took);
  void SetHealthy(bool healthy);

  std::atomic<bool> healthy_{true};
  const File& file_;
  const RingMapping& mapping_;
  const std::atomic<std::uint64_t>& free_position_;
  const std::atomic<std::uint64_t>& appended_position_;
  std::uint64_t begun_position_;  // the disk was told to begin with everything before; under mutex_
  std::mutex mutex_;              // a sync that succeeds must not hide that another one failed meanwhile
};

}  // namespace dedup
