#include "plugin/core/journal/journal_header.h"

#include <algorithm>

namespace dedup {

Statistics StatisticsOf(const JournalHeader& header) {
  Statistics statistics;
  for (const auto counter : kCounters) statistics.*counter = LoadShared(header.counters.*counter);
  statistics.passed += statistics.unstored;
  statistics.accepted_seq = LoadShared(header.accepted_seq);
  statistics.processed = statistics.accepted_seq - LoadShared(header.skipped_seqs);
  statistics.journal_used_bytes = LoadShared(header.appended_position) - LoadShared(header.released_position);
  statistics.journal_size_bytes = header.ring_bytes;
  statistics.record_bytes_max = RecordBytesMax(header.ring_bytes);
  statistics.store_failing = LoadShared(header.store_failing) != 0;
  statistics.journal_failing = LoadShared(header.journal_failing) != 0;
  std::ranges::transform(header.sync_durations.counts, statistics.sync_durations.counts, LoadShared<std::uint64_t>);
  statistics.sync_durations.sum_us = LoadShared(header.sync_durations.sum_us);
  return statistics;
}

}  // namespace dedup
