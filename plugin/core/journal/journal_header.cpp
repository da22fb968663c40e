#include "plugin/core/journal/journal_header.h"

#include <algorithm>
#include <cstring>

#include "plugin/core/base/crc32c.h"

namespace dedup {
namespace {

constexpr char kMagic[8] = {'M', 'Q', 'D', 'E', 'D', 'U', 'P', '\n'};

std::uint32_t IdentityCrc(const JournalHeader& header) {
  return Crc32c(&header.ring_bytes, sizeof header.ring_bytes + sizeof header.secret);
}
static_assert(offsetof(JournalHeader, secret) == offsetof(JournalHeader, ring_bytes) + sizeof(std::uint64_t));

// Never below zero, also while another process writes the one and not yet the other.
std::uint64_t Difference(std::uint64_t more, std::uint64_t less) { return more - std::min(more, less); }

}  // namespace

bool HasMagic(const JournalHeader& header) { return std::memcmp(header.magic, kMagic, sizeof kMagic) == 0; }

bool IsIdentified(const JournalHeader& header) {
  return HasMagic(header) && header.identity_crc32c == IdentityCrc(header);
}

void Identify(JournalHeader* header) {
  std::memcpy(header->magic, kMagic, sizeof kMagic);
  header->version = JournalHeader::kVersion;
  header->identity_crc32c = IdentityCrc(*header);
}

Statistics StatisticsOf(const JournalHeader& header) {
  Statistics statistics;
  for (const auto counter : kCounters) statistics.*counter = LoadShared(header.counters.*counter);
  statistics.passed += statistics.unstored;
  statistics.accepted_seq = LoadShared(header.accepted_seq);
  statistics.processed = Difference(statistics.accepted_seq, LoadShared(header.skipped_seqs));
  // In this order: what is released was appended before.
  const std::uint64_t released_position = LoadShared(header.released_position);
  statistics.journal_used_bytes = Difference(LoadShared(header.appended_position), released_position);
  statistics.journal_size_bytes = header.ring_bytes;
  statistics.record_bytes_max = RecordBytesMax(header.ring_bytes);
  statistics.store_failing = LoadShared(header.store_failing) != 0;
  statistics.journal_failing = LoadShared(header.journal_failing) != 0;
  std::ranges::transform(header.sync_durations.counts, statistics.sync_durations.counts, LoadShared<std::uint64_t>);
  statistics.sync_durations.sum_us = LoadShared(header.sync_durations.sum_us);
  statistics.lost_ms = LoadShared(header.lost_ms);
  return statistics;
}

}  // namespace dedup
