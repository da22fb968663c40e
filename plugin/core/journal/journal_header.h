// The beginning of the journal's file: all of it that other processes read, while it is written to.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "plugin/core/base/clock.h"
#include "plugin/core/contract/counters.h"
#include "plugin/core/contract/statistics.h"
#include "plugin/core/contract/sync_durations.h"
#include "plugin/core/event/key.h"

namespace dedup {

/// What a start must know of the store's damage, whatever kept the one before from succeeding.
enum class StoreDamage : std::uint64_t {
  kNone,
  kFound,     ///< the next start saves what can be read
  kSalvaged,  ///< that is done; rows may be missing that the journal has
};

/// Each field is written with one aligned store, so it survives kill -9 whole. Those that change are read and written
/// with the functions below, because other threads and processes do so at the same time.
struct JournalHeader {
  static constexpr char kFileName[] = "events.journal";  ///< in a data directory
  static constexpr std::uint32_t kVersion = 3;           ///< of older formats: journal_migration.h
  // Both are multiples of every page size in use, so that a journal can be mapped wherever it is carried to.
  static constexpr std::size_t kRoomBytes = 64 << 10;         ///< the ring begins behind it
  static constexpr std::size_t kGranularityBytes = 64 << 10;  ///< ring_bytes is a multiple of it

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
  std::uint64_t journal_failing;  // 1 while !Journal::healthy()
  StoreDamage store_damage;
  alignas(64) std::uint64_t accepted_seq;  // by the main thread from here on
  std::uint64_t handed_on_seq;             // the watermark: every event up to it is known to be handed on
  std::uint64_t skipped_seqs;              // seqs that were never given to an event
  std::uint64_t appended_position;         // a hint for readers and for Replay, which trusts only the records
  Counters counters;
  alignas(64) SyncDurations sync_durations;  // by whoever syncs; zeros where an older version made the file
  std::int64_t lost_ms;  // when a start last found accepted events to be gone, by the wall clock; 0: none, or as above
};
static_assert(sizeof(JournalHeader) <= JournalHeader::kRoomBytes);
// The file's bytes. To move one takes a new kVersion, and a journal of the old one to be tested with.
static_assert(offsetof(JournalHeader, released_position) == 64 && offsetof(JournalHeader, clean) == 80 &&
              offsetof(JournalHeader, store_failing) == 120 && offsetof(JournalHeader, accepted_seq) == 192 &&
              offsetof(JournalHeader, counters) == 224 && offsetof(JournalHeader, sync_durations) == 320 &&
              sizeof(SyncDurations) == 144 && offsetof(JournalHeader, lost_ms) == 464);

/// Whether it begins as a journal's does, and what never changes (secret, ring_bytes) is as it was written.
bool IsIdentified(const JournalHeader& header);
bool HasMagic(const JournalHeader& header);
/// Makes it so, with today's version.
void Identify(JournalHeader* header);

template <class T>
void StoreShared(T& field, std::type_identity_t<T> value) {
  std::atomic_ref(field).store(value, std::memory_order_relaxed);
}
template <class T>
T LoadShared(const T& field) {
  return std::atomic_ref(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

/// What a header tells, also one that is being written to.
Statistics StatisticsOf(const JournalHeader& header);

/// The largest record of an event that a journal takes whose ring has this size.
constexpr std::uint64_t RecordBytesMax(std::uint64_t ring_bytes) {
  // The rest is for AppendHandedOn alone: in a journal that is full of events, those in doubt would otherwise be handed
  // on again at each start.
  return ring_bytes - ring_bytes / 32;
}

}  // namespace dedup
