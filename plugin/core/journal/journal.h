// The crash-safe file in front of the store.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/contract/counters.h"
#include "plugin/core/event/event.h"
#include "plugin/core/journal/journal_header.h"
#include "plugin/core/journal/journal_sync.h"
#include "plugin/core/journal/record.h"

namespace dedup {

/// Accepted events on disk before the broker acknowledges them: a memory-mapped ring, so that an event is safe from any
/// death of the process as soon as its bytes are stored, without a system call.
///
/// A record counts when its checksum and its mark are right. At replay, bytes that are no record end the journal when
/// no record follows (a torn tail, never acknowledged); when one does, the file was damaged and the records behind are
/// kept too.
///
/// Threading: Prepare, Commit, AppendHandedOn, Count, Add, counters() and SetHandedOnSeq from one thread (main), Read
/// (main too, up to what it appended itself), Release, SaveClock, ShowStoreFailing and MarkStoreDamaged from one other
/// (writer); Sync from any. Ownership: owns the file and its mapping. Errors: StorageError.
class Journal {
 public:
  static constexpr std::uint64_t kRingBytesMin = JournalHeader::kGranularityBytes;

  /// What Replay found besides the records themselves.
  struct Findings {
    std::uint64_t records = 0;
    std::uint64_t torn_bytes = 0;        ///< a tail that was dropped
    std::uint64_t damaged_bytes = 0;     ///< bytes between records that are none
    std::uint64_t unreadable_bytes = 0;  ///< which the disk does not give; they are zeros to us
    std::uint64_t missing_bytes = 0;     ///< behind the records, where the header says that there are some
    bool header_damaged = false;         ///< where the records begin had to be searched for
  };

  /// Opens the journal of a data directory. nullptr: there is none. Errors: StorageError also when the file is not a
  /// journal (DamagedJournal) or of a newer version. One of an older version is for MigrateJournal first.
  static std::unique_ptr<Journal> Open(const std::filesystem::path& data_dir);
  /// Makes an empty journal, durably and in one step (in place of one that may be there), which goes on with the given
  /// header's secret, counters, seqs and clock. `size_bytes` is rounded up, see RingBytes().
  static std::unique_ptr<Journal> Create(const std::filesystem::path& data_dir, std::uint64_t size_bytes,
                                         const JournalHeader& goes_on);

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

  /// An event is appended in two steps. Prepare writes its record where the next one goes, but nothing is there before
  /// Commit; what was prepared and not committed, whatever comes next is written over. False when there is no room, or
  /// when what was written before did not reach the disk; see healthy(). Commit is for after a Prepare that returned
  /// true, with nothing appended between.
  bool Prepare(const Event& event) { return PrepareRecord(RecordKind::kEvent, event); }
  void Commit();
  /// The event `seq`, which was in doubt, has been handed on. False as with Prepare.
  bool AppendHandedOn(std::uint64_t seq);

  /// The record at `position`, where `position` is less than appended_position(); moves `position` behind it.
  Entry Read(std::uint64_t* position) const;
  std::uint64_t appended_position() const { return appended_position_.load(std::memory_order_acquire); }
  std::uint64_t released_position() const { return free_position_.load(std::memory_order_acquire); }

  /// Gives the room before `position` back to Prepare. Call only when the store holds those records durably. Syncs: the
  /// room must not be written over while the header on disk still points to it.
  void Release(std::uint64_t position);

  /// Brings everything appended so far to the disk. After a failure the journal is not healthy until Sync has succeeded
  /// again, which then writes every page anew: what the kernel dropped is not known. With much to write, a patient
  /// thread (patience.h) lets others go first.
  void Sync() { sync_.Run(); }
  /// Makes the next appends cheaper: takes the page faults of the ring's next `size` bytes on the calling thread, which
  /// may be patient.
  void Prefault(std::uint64_t size) const;
  bool healthy() const { return sync_.healthy(); }
  /// As File's.
  bool copies_on_write() const { return file_.copies_on_write(); }
  /// Whether the path still leads to the file.
  bool IsInPlace() const { return file_.IsInPlace(); }
  /// False: Prepare takes nothing, for a start would find nothing of it. From one thread (writer).
  void SetInPlace(bool in_place) { in_place_.store(in_place, std::memory_order_relaxed); }
  bool in_place() const { return in_place_.load(std::memory_order_relaxed); }

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
  /// The largest record that Prepare takes.
  std::uint64_t record_bytes_max() const { return RecordBytesMax(ring_bytes_); }
  std::uint64_t used_bytes() const { return appended_position() - released_position(); }

  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

 private:
  Journal(File file, std::uint64_t ring_bytes);
  static std::unique_ptr<Journal> WriteNew(const std::filesystem::path& path, std::uint64_t ring_bytes,
                                           const JournalHeader& goes_on);

  std::uint64_t MarkOf(std::uint64_t position) const;
  bool IsRecord(std::uint64_t position) const;
  bool PrepareRecord(RecordKind kind, const Event& event);
  void SetReleased(std::uint64_t position);
  std::uint64_t ReadThrough(std::uint64_t begin, std::uint64_t end);
  std::uint64_t FindOldestRecord() const;
  const RecordHeader* At(std::uint64_t position) const;
  RecordHeader* At(std::uint64_t position);

  File file_;
  RingMapping mapping_;
  JournalHeader* header_;
  std::uint64_t ring_bytes_;
  std::uint32_t prepared_crc32c_ = 0;
  std::atomic<bool> in_place_{true};
  std::atomic<std::uint64_t> appended_position_;
  std::atomic<std::uint64_t> free_position_;  // released and durably so: Prepare may write up to this plus ring_bytes_
  JournalSync sync_;
};

/// A file that stands where the journal should and is not one.
class DamagedJournal : public StorageError {
 public:
  using StorageError::StorageError;
};

}  // namespace dedup
