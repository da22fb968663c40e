// The crash-safe file in front of the store.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/contract/counters.h"
#include "plugin/core/contract/statistics.h"
#include "plugin/core/contract/sync_durations.h"
#include "plugin/core/event/key.h"
#include "plugin/core/journal/record.h"

namespace dedup {

/// What a start must know of the store's damage, whatever kept the one before from succeeding.
enum class StoreDamage : std::uint64_t {
  kNone,
  kFound,     ///< the next start saves what can be read
  kSalvaged,  ///< that is done; rows may be missing that the journal has
};

/// The file's beginning. Each field is written with one aligned store, so it survives kill -9 whole.
struct JournalHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t identity_crc32c;  // of the fields from ring_bytes to secret, which never change
  std::uint64_t ring_bytes;
  HashSecret secret;
  alignas(64) std::uint64_t released_position;  // by the writer thread: everything before is in the store, durably
  std::uint64_t released_check;                 // its complement
  std::uint64_t clean;                          // 1 after an orderly stop with nothing left to sync
  ClockState clock;
  std::uint64_t store_failing;    // 1 while the writer thread cannot store; for whoever watches from outside
  std::uint64_t journal_failing;  // 1 while !healthy()
  StoreDamage store_damage;
  alignas(64) std::uint64_t accepted_seq;  // by the main thread from here on
  std::uint64_t handed_on_seq;             // the watermark: every event up to it is known to be handed on
  std::uint64_t skipped_seqs;              // seqs that were never given to an event
  std::uint64_t appended_position;         // a hint for readers and for Replay, which trusts only the records
  Counters counters;
  alignas(64) SyncDurations sync_durations;  // by whoever syncs; zeros where an older version made the file
};

/// What a header tells, also one that is being written to.
Statistics StatisticsOf(const JournalHeader& header);

/// Accepted events on disk before the broker acknowledges them: a memory-mapped ring, so that an event is safe from any
/// death of the process as soon as its bytes are stored, without a system call.
///
/// A record counts when its checksum and its mark are right. At replay, bytes that are no record end the journal when
/// no record follows (a torn tail, never acknowledged); when one does, the file was damaged and the records behind are
/// kept too.
///
/// Threading: Append*, Prepare, Commit, counters() and SetHandedOnSeq from one thread (main), Read, Release, SaveClock,
/// ShowStoreFailing and MarkStoreDamaged from one other (writer); Sync from any. Ownership: owns the file and its
/// mapping. Errors: StorageError.
class Journal {
 public:
  static constexpr char kFileName[] = "events.journal";
  static constexpr std::uint32_t kVersion = 1;
  // Both are multiples of every page size in use, so that a journal can be mapped wherever it is carried to.
  static constexpr std::size_t kHeaderBytes = 64 << 10;
  static constexpr std::size_t kGranularityBytes = 64 << 10;
  static constexpr std::uint64_t kRingBytesMin = kGranularityBytes;

  /// What Replay found besides the records themselves.
  struct Findings {
    std::uint64_t records = 0;
    std::uint64_t torn_bytes = 0;     ///< a tail that was dropped
    std::uint64_t damaged_bytes = 0;  ///< bytes between records that are none
    bool header_damaged = false;      ///< where the records begin had to be searched for
  };

  /// Opens the journal of a data directory. nullopt: there is none. Errors: StorageError also when the file is not a
  /// journal (DamagedJournal) or of a newer version.
  static std::optional<Journal> Open(const std::filesystem::path& data_dir);
  /// Makes an empty journal, durably and in one step (in place of one that may be there), which goes on with the given
  /// header's secret, counters, seqs and clock. `size_bytes` is rounded up, see RingBytes().
  static Journal Create(const std::filesystem::path& data_dir, std::uint64_t size_bytes, const JournalHeader& goes_on);

  /// What Create makes of a wanted size.
  static std::uint64_t RingBytes(std::uint64_t size_bytes);

  struct Entry {
    RecordKind kind;
    Event event;  ///< with kHandedOn only its seq
  };
  /// How far behind damage to look for further records.
  enum class Search {
    kToTheAppended,  ///< as far as the header says that there are any: after a death of the process, and quick
    kWholeRing,      ///< after a power cut, when newer pages than the header's may have reached the disk
  };
  /// Calls on_entry for every record that is not released, oldest first. Before anything is appended, as often as
  /// needed.
  Findings Replay(Search search, const std::function<void(const Entry&)>& on_entry);

  /// Goes on behind what was replayed, of which the records before `position` are released, with the given header's
  /// secret, counters, seqs and clock, and a store that is whole; durably.
  void GoOn(const JournalHeader& header, std::uint64_t position);

  /// Returns false when there is no room, or when what was written before did not reach the disk; see healthy().
  bool Append(const Event& event);
  bool AppendHandedOn(std::uint64_t seq);

  /// Append in two steps: Prepare, which answers as Append does, writes the record where the next one goes, but nothing
  /// is there before Commit. What was prepared and not committed, whatever comes next is written over. Commit is for
  /// after a Prepare that returned true, with nothing appended between.
  bool Prepare(const Event& event) { return PrepareRecord(RecordKind::kEvent, event); }
  void Commit();

  /// The record at `position`, where `position` is less than appended_position(); moves `position` behind it.
  Entry Read(std::uint64_t* position) const;
  std::uint64_t appended_position() const { return appended_position_.load(std::memory_order_acquire); }
  std::uint64_t released_position() const { return free_position_.load(std::memory_order_acquire); }

  /// Gives the room before `position` back to Append. Call only when the store holds those records durably. Syncs: the
  /// room must not be written over while the header on disk still points to it.
  void Release(std::uint64_t position);

  /// Brings everything appended so far to the disk. After a failure the journal is not healthy until Sync has succeeded
  /// again, which then writes every page anew: what the kernel dropped is not known. With much to write, a patient
  /// thread (patience.h) lets others go first.
  void Sync();
  /// Makes the next appends cheaper: takes the page faults of the ring's next `size` bytes on the calling thread, which
  /// may be patient.
  void Prefault(std::uint64_t size) const;
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

  void SetHandedOnSeq(std::uint64_t seq);
  std::uint64_t handed_on_seq() const;
  std::uint64_t accepted_seq() const;
  void ShowStoreFailing(bool failing);
  void MarkStoreDamaged();
  /// Durably: what could be read of the damaged store is saved, and has yet to be joined by the journal's records.
  void MarkStoreSalvaged();
  void SaveClock(const ClockState& clock, bool clean);
  /// For one more of this counter: Count(&Counters::passed).
  void Count(std::uint64_t Counters::*counter);
  /// For what was counted before the journal could be opened.
  void Add(const Counters& counters);
  Counters counters() const;

  const JournalHeader& header() const { return *header_; }
  std::filesystem::path data_dir() const { return file_.path().parent_path(); }
  std::uint64_t ring_bytes() const { return ring_bytes_; }
  /// So much of a ring is for AppendHandedOn alone: in a journal that is full of events, those in doubt would else be
  /// handed on again at each start.
  static std::uint64_t NoteBytes(std::uint64_t ring_bytes) { return ring_bytes / 32; }
  /// The largest record that Append takes.
  std::uint64_t record_bytes_max() const { return ring_bytes_ - NoteBytes(ring_bytes_); }
  std::uint64_t used_bytes() const { return appended_position() - released_position(); }

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) = delete;

 private:
  Journal(File file, std::uint64_t ring_bytes);

  std::uint64_t MarkOf(std::uint64_t position) const;
  bool IsRecord(std::uint64_t position) const;
  bool AppendRecord(RecordKind kind, const Event& event);
  bool PrepareRecord(RecordKind kind, const Event& event);
  void SetReleased(std::uint64_t position);
  std::uint64_t FindOldestRecord() const;
  const RecordHeader* At(std::uint64_t position) const;
  RecordHeader* At(std::uint64_t position);
  void Rewrite();
  void SetHealthy(bool healthy);
  void BeginSync();
  void CountSync(std::chrono::steady_clock::duration took);

  File file_;
  RingMapping mapping_;
  JournalHeader* header_;
  std::uint64_t ring_bytes_;
  std::uint32_t prepared_crc32c_ = 0;
  std::atomic<std::uint64_t> appended_position_;
  std::atomic<std::uint64_t> free_position_;  // released and durably so: Append may write up to this plus ring_bytes_
  std::atomic<bool> healthy_{true};
  std::uint64_t begun_position_;  // the disk was told to begin with everything before; under sync_mutex_
  std::mutex sync_mutex_;         // a sync that succeeds must not hide that another one failed meanwhile
};

/// A file that stands where the journal should and is not one.
class DamagedJournal : public StorageError {
 public:
  using StorageError::StorageError;
};

}  // namespace dedup
