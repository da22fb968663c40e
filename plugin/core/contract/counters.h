// What the plugin counts.
#pragma once

#include <cstdint>

namespace dedup {

/// What the plugin has counted since its data directory was made. How many events were processed is not among them: it
/// follows from the seqs, so the two can never disagree.
struct Counters {
  std::uint64_t duplicates = 0;   ///< events recognised and not handed on
  std::uint64_t passed = 0;       ///< publishes that are no events
  std::uint64_t refused = 0;      ///< events that could not be stored and were not acknowledged
  std::uint64_t invalid_ids = 0;  ///< of the passed: those whose id was empty, too long or of another type
  std::uint64_t unstored = 0;     ///< events handed on without being stored, as on_store_failure pass asks
  std::uint64_t lost = 0;         ///< accepted events of which a start found neither a row nor a record
};

/// All of them, for what is done to each.
inline constexpr std::uint64_t Counters::*kCounters[] = {&Counters::duplicates, &Counters::passed,
                                                         &Counters::refused,    &Counters::invalid_ids,
                                                         &Counters::unstored,   &Counters::lost};
static_assert(sizeof(Counters) == sizeof kCounters / sizeof *kCounters * sizeof(std::uint64_t));

}  // namespace dedup
