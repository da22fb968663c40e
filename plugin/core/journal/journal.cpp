#include "plugin/core/journal/journal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "plugin/core/base/crc32c.h"
#include "plugin/core/base/patience.h"

namespace dedup {
namespace {

std::uint32_t RecordCrc(const RecordHeader* record) {
  return Crc32c(&record->size_bytes, record->size_bytes - sizeof record->crc32c);
}

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kBlockBytes = 4096;  // what is given up where some of it cannot be read
constexpr int kReadsMax = 3;
static_assert(JournalHeader::kGranularityBytes % kBlockBytes == 0 && JournalHeader::kRoomBytes % kBlockBytes == 0);

// Errors: StorageError. The disk may give at the second attempt what it did not at the first.
void ReadBlock(const File& file, std::uint64_t offset, char* buffer) {
  for (int reads = 1;; ++reads) {
    try {
      file.ReadAt(offset, buffer, kBlockBytes);
      return;
    } catch (const StorageError& error) {
      if (error.error_number() != EIO || reads == kReadsMax) throw;
    }
  }
}

}  // namespace

// To find by a call what in the mapping would be a SIGBUS: bytes of the ring that cannot be read. They are zeros from
// then on. `end` is at most a lap behind `begin`. Returns how many they are.
std::uint64_t Journal::ReadThrough(std::uint64_t begin, std::uint64_t end) {
  std::vector<char> buffer(std::min<std::uint64_t>(kReadBytes, ring_bytes_));
  std::uint64_t unreadable_bytes = 0;
  for (std::uint64_t position = begin / kBlockBytes * kBlockBytes; position < end;) {
    const std::uint64_t offset = position % ring_bytes_;
    const std::size_t bytes = std::min<std::uint64_t>(ring_bytes_ - offset, buffer.size());
    try {
      if (file_.ReadAt(JournalHeader::kRoomBytes + offset, buffer.data(), bytes) != bytes) {
        throw StorageError("read", file_.path(), "it was cut short while it was open");
      }
    } catch (const StorageError& error) {
      if (error.error_number() != EIO) throw;
      for (std::uint64_t block = offset; block < offset + bytes; block += kBlockBytes) {
        try {
          ReadBlock(file_, JournalHeader::kRoomBytes + block, buffer.data());
        } catch (const StorageError& of_block) {
          if (of_block.error_number() != EIO) throw;
          mapping_.Blank(block, kBlockBytes);
          unreadable_bytes += kBlockBytes;
        }
      }
    }
    position += bytes;
  }
  return unreadable_bytes;
}

Journal::Journal(File file, std::uint64_t ring_bytes)
    : file_(std::move(file)),
      mapping_(file_, JournalHeader::kRoomBytes, ring_bytes),
      header_(reinterpret_cast<JournalHeader*>(mapping_.header())),
      ring_bytes_(ring_bytes),
      appended_position_(header_->released_position),
      free_position_(header_->released_position),
      sync_(file_, mapping_, free_position_, appended_position_) {}

std::unique_ptr<Journal> Journal::Open(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / JournalHeader::kFileName;
  if (!std::filesystem::exists(path)) return nullptr;
  File file(path, File::Mode::kReadWrite);
  JournalHeader header{};
  if (file.ReadAt(0, &header, sizeof header) != sizeof header || !HasMagic(header)) {
    throw DamagedJournal("open", path, "this is not a journal of mosquitto-dedup");
  }
  if (header.version > JournalHeader::kVersion) {
    throw StorageError("open", path,
                       "written by a newer mosquitto-dedup (format " + std::to_string(header.version) +
                           ", this one knows up to " + std::to_string(JournalHeader::kVersion) + ")");
  }
  if (header.version != JournalHeader::kVersion || !IsIdentified(header) || header.ring_bytes == 0 ||
      header.ring_bytes % JournalHeader::kGranularityBytes != 0) {
    throw DamagedJournal("open", path, "its header is damaged");
  }
  // A file that was cut short keeps the records that are whole; one that was restored with holes gets its room back.
  file.Allocate(JournalHeader::kRoomBytes + header.ring_bytes);
  file.WriteUnwritten();  // of such a hole, or of an earlier version's journal
  return std::unique_ptr<Journal>(new Journal(std::move(file), header.ring_bytes));
}

std::unique_ptr<Journal> Journal::Create(const std::filesystem::path& data_dir, std::uint64_t size_bytes,
                                         const JournalHeader& goes_on) {
  const std::filesystem::path path = data_dir / JournalHeader::kFileName;
  const std::filesystem::path unfinished = data_dir / (std::string(JournalHeader::kFileName) + ".empty");
  const std::size_t file_bytes = JournalHeader::kRoomBytes + RingBytes(size_bytes);
  // Of a start that died, or was ended because it took long: only zeros were written, and need not be written again.
  std::error_code error;
  if (std::filesystem::file_size(unfinished, error) != file_bytes) std::filesystem::remove(unfinished);
  try {
    std::unique_ptr<Journal> journal = WriteNew(unfinished, RingBytes(size_bytes), goes_on);
    std::filesystem::rename(unfinished, path);
    journal->file_.Renamed(path);
    SyncDirectory(data_dir);
    return journal;
  } catch (...) {
    // It may have taken the room that was missing.
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw;
  }
}

std::unique_ptr<Journal> Journal::WriteNew(const std::filesystem::path& path, std::uint64_t ring_bytes,
                                           const JournalHeader& goes_on) {
  File file(path, File::Mode::kCreate);
  file.Allocate(JournalHeader::kRoomBytes + ring_bytes);
  // On ext4 a page whose write-back fails in room that nothing was written to never comes to the disk.
  file.WriteUnwritten();
  std::unique_ptr<Journal> journal(new Journal(std::move(file), ring_bytes));
  JournalHeader header = goes_on;
  header.ring_bytes = ring_bytes;
  Identify(&header);
  header.released_position = 0;
  header.released_check = ~header.released_position;
  header.appended_position = 0;
  header.store_failing = 0;
  header.journal_failing = 0;
  header.store_damage = StoreDamage::kNone;
  std::memcpy(static_cast<void*>(journal->header_), &header, sizeof header);
  journal->file_.SyncData();
  return journal;
}

std::uint64_t Journal::RingBytes(std::uint64_t size_bytes) {
  return (std::max(size_bytes, kRingBytesMin) + JournalHeader::kGranularityBytes - 1) /
         JournalHeader::kGranularityBytes * JournalHeader::kGranularityBytes;
}

const RecordHeader* Journal::At(std::uint64_t position) const {
  return reinterpret_cast<const RecordHeader*>(mapping_.ring() + position % ring_bytes_);
}

RecordHeader* Journal::At(std::uint64_t position) {
  return reinterpret_cast<RecordHeader*>(mapping_.ring() + position % ring_bytes_);
}

std::uint64_t Journal::MarkOf(std::uint64_t position) const {
  std::uint64_t secret;
  std::memcpy(&secret, header_->secret.data(), sizeof secret);
  return position ^ secret;
}

bool Journal::IsRecord(std::uint64_t position) const {
  const RecordHeader* const record = At(position);
  if (record->mark != MarkOf(position) || record->size_bytes % kRecordAlignment != 0 ||
      record->size_bytes < sizeof(RecordHeader) || record->size_bytes > ring_bytes_) {
    return false;
  }
  std::uint64_t content = sizeof(RecordHeader) + std::uint64_t{record->topic_bytes} + record->event_id_bytes +
                          record->properties_bytes + record->payload_bytes;
  if (record->rule_name_bytes != 0) content += sizeof(RecordRule) + record->rule_name_bytes;
  return content <= record->size_bytes &&
         (record->kind == RecordKind::kEvent || record->kind == RecordKind::kHandedOn) &&
         RecordCrc(record) == record->crc32c;
}

void Journal::SetReleased(std::uint64_t position) {
  StoreShared(header_->released_position, position);
  StoreShared(header_->released_check, ~position);
}

// Of all the records in the ring, those that were released too. The end of the ring where there is none.
std::uint64_t Journal::FindOldestRecord() const {
  std::uint64_t oldest = ~std::uint64_t{0};
  for (std::uint64_t offset = 0; offset < ring_bytes_; offset += kRecordAlignment) {
    const std::uint64_t position = MarkOf(At(offset)->mark);
    if (position < oldest && position % ring_bytes_ == offset && IsRecord(position)) oldest = position;
  }
  return oldest == ~std::uint64_t{0} ? 0 : oldest;
}

Journal::Findings Journal::Replay(Search search, const std::function<void(const Entry&)>& on_entry) {
  Findings findings;
  if (header_->released_check != ~header_->released_position) {
    // Damaged, or a death came between the two stores: records that were released already do no harm.
    findings.header_damaged = true;
    findings.unreadable_bytes = ReadThrough(0, ring_bytes_);
    free_position_.store(FindOldestRecord(), std::memory_order_release);
    sync_.BeginAt(released_position());
    header_->clean = 0;
  }
  // After an orderly stop there is nothing to look for, and the ring need not be read.
  if (header_->clean == 1 && header_->appended_position == released_position()) return findings;
  const std::uint64_t end = released_position() + ring_bytes_;
  std::uint64_t records_end = released_position();
  // A ring is long to read. What was synced, or appended within this boot, lies before the hint.
  const std::uint64_t hint = header_->appended_position;
  const bool is_bounded = search == Search::kToTheAppended && hint >= records_end && hint <= end;
  const std::uint64_t search_end = is_bounded ? hint : end;
  // Whole records are looked for from there on, and the one at the end may be torn.
  const std::uint64_t unreadable = ReadThrough(records_end, std::min(end, search_end + sizeof(RecordHeader)));
  findings.unreadable_bytes = std::max(findings.unreadable_bytes, unreadable);
  // A record may begin at any multiple of 8, so behind damage each of them is tried.
  for (std::uint64_t position = released_position(); position + sizeof(RecordHeader) <= end;) {
    if (!IsRecord(position) || position + At(position)->size_bytes > end) {
      if (position >= search_end) break;
      position += kRecordAlignment;
      continue;
    }
    findings.damaged_bytes += position - records_end;
    ++findings.records;
    on_entry(Read(&position));
    records_end = position;
  }
  if (hint > records_end && hint <= end) findings.missing_bytes = hint - records_end;
  appended_position_.store(records_end, std::memory_order_release);
  if (records_end + sizeof(RecordHeader) <= end && At(records_end)->mark == MarkOf(records_end)) {
    findings.torn_bytes = std::min<std::uint64_t>(At(records_end)->size_bytes, end - records_end);
  }
  return findings;
}

void Journal::GoOn(const JournalHeader& header, std::uint64_t position) {
  StoreShared(header_->accepted_seq, header.accepted_seq);
  StoreShared(header_->handed_on_seq, header.handed_on_seq);
  StoreShared(header_->skipped_seqs, header.skipped_seqs);
  StoreShared(header_->appended_position, appended_position());
  StoreShared(header_->store_failing, 0);
  // The kernel holds the pages of a failed sync as clean.
  if (LoadShared(header_->journal_failing) != 0) sync_.BeginUnhealthy();
  SaveClock(header.clock, header.clean != 0);
  header_->counters = header.counters;
  StoreShared(header_->lost_ms, header.lost_ms);
  StoreShared(header_->store_damage, StoreDamage::kNone);
  Release(position);
}

bool Journal::AppendHandedOn(std::uint64_t seq) {
  Event event;
  event.seq = seq;
  if (!PrepareRecord(RecordKind::kHandedOn, event)) return false;
  Commit();
  return true;
}

bool Journal::PrepareRecord(RecordKind kind, const Event& event) {
  const std::uint64_t position = appended_position_.load(std::memory_order_relaxed);
  const std::size_t size = RecordBytes(event);
  const std::uint64_t room_end =
      free_position_.load(std::memory_order_acquire) + (kind == RecordKind::kEvent ? record_bytes_max() : ring_bytes_);
  if (position + size > room_end || !healthy() || !in_place()) return false;

  RecordHeader* const record = At(position);
  *record = {
      .crc32c = 0,
      .size_bytes = static_cast<std::uint32_t>(size),
      .mark = MarkOf(position),
      .seq = event.seq,
      .received_us = event.accepted.wall_us,
      .accepted_ms = event.accepted.age_ms,
      .payload_bytes = static_cast<std::uint32_t>(event.payload.size()),
      .properties_bytes = static_cast<std::uint32_t>(event.properties.size()),
      .topic_bytes = static_cast<std::uint16_t>(event.topic.size()),
      .event_id_bytes = static_cast<std::uint16_t>(event.event_id.size()),
      .kind = kind,
      .qos = event.qos,
      .flags = static_cast<std::uint8_t>((event.retain ? kRetainFlag : 0) | (event.rule.is_id_only ? kIdOnlyFlag : 0)),
      .rule_name_bytes = static_cast<std::uint8_t>(event.rule.name.size())};
  auto* const start = reinterpret_cast<std::byte*>(record);
  std::byte* to = start + sizeof(RecordHeader);
  const auto put = [&to](const void* bytes, std::size_t count) {
    if (count != 0) std::memcpy(to, bytes, count);
    to += count;
  };
  const auto put_text = [&put](std::string_view text) { put(text.data(), text.size()); };
  put_text(event.topic);
  put_text(event.event_id);
  if (!event.rule.name.empty()) {
    const RecordRule rule{.key = event.rule.key, .window_ms = event.rule.window_ms};
    put(&rule, sizeof rule);
    put_text(event.rule.name);
  }
  put_text(event.properties);
  put_text(event.payload);
  std::memset(to, 0, static_cast<std::size_t>(start + size - to));
  prepared_crc32c_ = RecordCrc(record);
  // Now it is nothing, not even the torn record that a death before this line leaves.
  record->mark = 0;
  return true;
}

void Journal::Commit() {
  const std::uint64_t position = appended_position_.load(std::memory_order_relaxed);
  RecordHeader* const record = At(position);
  record->mark = MarkOf(position);
  record->crc32c = prepared_crc32c_;

  const std::uint64_t end = position + record->size_bytes;
  appended_position_.store(end, std::memory_order_release);
  StoreShared(header_->appended_position, end);
  if (record->kind == RecordKind::kEvent) StoreShared(header_->accepted_seq, record->seq);
}

Journal::Entry Journal::Read(std::uint64_t* position) const {
  const RecordHeader* const record = At(*position);
  Entry entry{.kind = record->kind, .event = {}};
  Event& event = entry.event;
  event.seq = record->seq;
  event.accepted = {.wall_us = record->received_us, .age_ms = record->accepted_ms};
  event.qos = record->qos;
  event.retain = (record->flags & kRetainFlag) != 0;
  const char* from = reinterpret_cast<const char*>(record + 1);
  const auto take = [&from](std::size_t size) {
    const std::string_view piece(from, size);
    from += size;
    return piece;
  };
  event.topic = take(record->topic_bytes);
  event.event_id = take(record->event_id_bytes);
  if (record->rule_name_bytes != 0) {
    RecordRule rule;
    std::memcpy(&rule, take(sizeof rule).data(), sizeof rule);
    event.rule = {.name = take(record->rule_name_bytes),
                  .key = rule.key,
                  .window_ms = rule.window_ms,
                  .is_id_only = (record->flags & kIdOnlyFlag) != 0};
  }
  event.properties = take(record->properties_bytes);
  event.payload = take(record->payload_bytes);
  *position += record->size_bytes;
  return entry;
}

void Journal::Release(std::uint64_t position) {
  SetReleased(position);
  Sync();
  // Not before: when the sync has failed, the next call must try again.
  free_position_.store(position, std::memory_order_release);
}

void Journal::Prefault(std::uint64_t size) const {
  const std::uint64_t room_end = free_position_.load(std::memory_order_acquire) + ring_bytes_;
  const std::uint64_t end = std::min(appended_position() + size, room_end);
  // What is passed meanwhile needs it no more.
  for (std::uint64_t position = appended_position(); position < end;
       position = std::max(position + JournalHeader::kGranularityBytes, appended_position())) {
    mapping_.Prefault(position % ring_bytes_,
                      std::min<std::uint64_t>(JournalHeader::kGranularityBytes, end - position));
    YieldIfPatient();
  }
}

void Journal::SetHandedOnSeq(std::uint64_t seq) { StoreShared(header_->handed_on_seq, seq); }
std::uint64_t Journal::handed_on_seq() const { return LoadShared(header_->handed_on_seq); }
std::uint64_t Journal::accepted_seq() const { return LoadShared(header_->accepted_seq); }

void Journal::ShowStoreFailing(bool failing) { StoreShared(header_->store_failing, std::uint64_t{failing}); }

void Journal::MarkStoreDamaged() { StoreShared(header_->store_damage, StoreDamage::kFound); }

void Journal::MarkStoreSalvaged() {
  StoreShared(header_->store_damage, StoreDamage::kSalvaged);
  Sync();
}

void Journal::SaveClock(const ClockState& clock, bool clean) {
  // The age comes last: a death before it leaves the older age beside a later time, which remembers longer, not
  // shorter.
  StoreShared(header_->clock.boot_number, clock.boot_number);
  StoreShared(header_->clock.boot_ms, clock.boot_ms);
  StoreShared(header_->clock.wall_ms, clock.wall_ms);
  StoreShared(header_->clock.age_ms, clock.age_ms);
  StoreShared(header_->clean, std::uint64_t{clean});
}

void Journal::Count(std::uint64_t Counters::*counter) {
  std::uint64_t& field = header_->counters.*counter;
  StoreShared(field, field + 1);
}

void Journal::Add(const Counters& counters) {
  for (const auto counter : kCounters)
    StoreShared(header_->counters.*counter, header_->counters.*counter + counters.*counter);
}

Counters Journal::counters() const {
  Counters counters;
  for (const auto counter : kCounters) counters.*counter = LoadShared(header_->counters.*counter);
  return counters;
}

}  // namespace dedup
