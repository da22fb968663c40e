// The start's first step, to look: what store and journal hold, and how they stand to each other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/log.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// So many seqs are skipped where seqs were given to events that are gone, of which nobody can tell how many they were:
/// none is ever given twice.
inline constexpr std::uint64_t kSeqsSkipped = 1'000'000;

/// What a start finds.
struct Survey {
  StoreState state;  ///< the store's
  bool has_journal = false;
  JournalHeader header{};        ///< the journal's; without one, what the store remembers, with a new secret
  bool has_wanted_form = false;  ///< the journal: its size, and blocks of its own
  std::unique_ptr<Clock> clock;  ///< goes on where the last run has ended
  bool had_power_cut = false;    ///< the machine was booted since, and the last stop was not orderly

  Journal::Search search = Journal::Search::kToTheAppended;  ///< how far the journal was searched
  Journal::Findings findings;                                ///< by that
  std::uint64_t first_seq = 0, last_seq = 0;                 ///< of the journal's events; 0 without any
  bool has_gaps = false;                                     ///< between those two
  std::uint64_t lost = 0;  ///< accepted events that are neither rows nor records, by what the journal's header knows
  std::map<std::uint64_t, EventInDoubt> in_doubt;  ///< of the journal's events, by seq
  std::set<std::uint64_t> in_doubt_no_more;        ///< though the store has it so

  std::uint64_t newest_seq = 0;  ///< that a row, a record or the table in_doubt knows
};

/// Whether the journal's header names a seq that cannot be: newer than any row or record by more events than there was
/// room for.
bool IsImpossibleSeq(const Survey& found);

/// Looks through a store, and through the journal record by record unless that is null. What it finds wrong is said in
/// the log. Changes nothing but the journal's own view of where it begins and ends. `ring_bytes`: the wanted size.
/// Errors: StorageError, and sqlite::CorruptDatabase also when the journal says that the store was found damaged.
Survey LookThrough(Store& store, Journal* journal, std::uint64_t ring_bytes, LogQueue& log);

}  // namespace dedup
