#include "plugin/core/journal/journal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "plugin/core/base/crc32c.h"
#include "plugin/core/base/patience.h"

namespace dedup {
namespace {

constexpr char kMagic[8] = {'M', 'Q', 'D', 'E', 'D', 'U', 'P', '\n'};

// Fields of the header are read by other threads and other processes while they change.
template <class T>
void StoreShared(T& field, std::type_identity_t<T> value) {
  std::atomic_ref(field).store(value, std::memory_order_relaxed);
}
template <class T>
T LoadShared(const T& field) {
  return std::atomic_ref(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

std::uint32_t IdentityCrc(const JournalHeader& header) {
  return Crc32c(&header.ring_bytes, sizeof header.ring_bytes + sizeof header.secret);
}

std::size_t PageBytes() {
  static const auto kBytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kBytes;
}

// ThreadSanitizer takes the addition of zero for a write that races with the readers of those bytes.
__attribute__((no_sanitize("thread"))) void DirtyPage(std::byte* page) {
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(page)).fetch_add(0, std::memory_order_relaxed);
}

std::uint64_t WholeGranules(std::uint64_t position) {
  return position / Journal::kGranularityBytes * Journal::kGranularityBytes;
}

std::uint32_t RecordCrc(const RecordHeader* record) {
  return Crc32c(&record->size_bytes, record->size_bytes - sizeof record->crc32c);
}

}  // namespace

Statistics StatisticsOf(const JournalHeader& header) {
  Statistics statistics;
  for (const auto counter : kCounters) statistics.*counter = LoadShared(header.counters.*counter);
  statistics.passed += statistics.unstored;
  statistics.accepted_seq = LoadShared(header.accepted_seq);
  statistics.processed = statistics.accepted_seq - LoadShared(header.skipped_seqs);
  statistics.journal_used_bytes = LoadShared(header.appended_position) - LoadShared(header.released_position);
  statistics.journal_size_bytes = header.ring_bytes;
  statistics.record_bytes_max = header.ring_bytes - Journal::NoteBytes(header.ring_bytes);
  statistics.store_failing = LoadShared(header.store_failing) != 0;
  statistics.journal_failing = LoadShared(header.journal_failing) != 0;
  std::ranges::transform(header.sync_durations.counts, statistics.sync_durations.counts, LoadShared<std::uint64_t>);
  statistics.sync_durations.sum_us = LoadShared(header.sync_durations.sum_us);
  return statistics;
}

static_assert(sizeof(JournalHeader) <= Journal::kHeaderBytes);
static_assert(offsetof(JournalHeader, secret) == offsetof(JournalHeader, ring_bytes) + sizeof(std::uint64_t));

Journal::Journal(File file, std::uint64_t ring_bytes)
    : file_(std::move(file)),
      mapping_(file_, kHeaderBytes, ring_bytes),
      header_(reinterpret_cast<JournalHeader*>(mapping_.header())),
      ring_bytes_(ring_bytes),
      appended_position_(header_->released_position),
      free_position_(header_->released_position),
      begun_position_(WholeGranules(header_->released_position)) {}

Journal::Journal(Journal&& other) noexcept
    : file_(std::move(other.file_)),
      mapping_(std::move(other.mapping_)),
      header_(other.header_),
      ring_bytes_(other.ring_bytes_),
      appended_position_(other.appended_position_.load()),
      free_position_(other.free_position_.load()),
      healthy_(other.healthy_.load()),
      begun_position_(other.begun_position_) {}

std::optional<Journal> Journal::Open(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / kFileName;
  if (!std::filesystem::exists(path)) return std::nullopt;
  File file(path, File::Mode::kReadWrite);
  JournalHeader header{};
  if (file.ReadAt(0, &header, sizeof header) != sizeof header ||
      std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    throw DamagedJournal("open", path, "this is not a journal of mosquitto-dedup");
  }
  if (header.version > kVersion) {
    throw StorageError("open", path,
                       "written by a newer mosquitto-dedup (format " + std::to_string(header.version) +
                           ", this one knows up to " + std::to_string(kVersion) + ")");
  }
  if (header.version != kVersion || header.identity_crc32c != IdentityCrc(header) || header.ring_bytes == 0 ||
      header.ring_bytes % kGranularityBytes != 0) {
    throw DamagedJournal("open", path, "its header is damaged");
  }
  // A file that was cut short keeps the records that are whole; one that was restored with holes gets its room back.
  file.Allocate(kHeaderBytes + header.ring_bytes);
  return Journal(std::move(file), header.ring_bytes);
}

Journal Journal::Create(const std::filesystem::path& data_dir, std::uint64_t size_bytes, const JournalHeader& goes_on) {
  const std::filesystem::path path = data_dir / kFileName;
  const std::filesystem::path unfinished = data_dir / (std::string(kFileName) + ".new");
  const std::uint64_t ring_bytes = RingBytes(size_bytes);
  std::filesystem::remove(unfinished);
  File file(unfinished, File::Mode::kCreate);
  file.Allocate(kHeaderBytes + ring_bytes);
  Journal journal(std::move(file), ring_bytes);
  JournalHeader header = goes_on;
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.ring_bytes = ring_bytes;
  header.identity_crc32c = IdentityCrc(header);
  header.released_position = 0;
  header.released_check = ~header.released_position;
  header.appended_position = 0;
  header.store_failing = 0;
  header.journal_failing = 0;
  header.store_damage = StoreDamage::kNone;
  std::memcpy(static_cast<void*>(journal.header_), &header, sizeof header);
  journal.file_.SyncData();
  std::filesystem::rename(unfinished, path);
  journal.file_.Renamed(path);
  SyncDirectory(data_dir);
  return journal;
}

std::uint64_t Journal::RingBytes(std::uint64_t size_bytes) {
  return (std::max(size_bytes, kRingBytesMin) + kGranularityBytes - 1) / kGranularityBytes * kGranularityBytes;
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
  const std::uint64_t content = sizeof(RecordHeader) + std::uint64_t{record->topic_bytes} + record->event_id_bytes +
                                record->properties_bytes + record->payload_bytes;
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
    free_position_.store(FindOldestRecord(), std::memory_order_release);
    begun_position_ = WholeGranules(released_position());
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
  appended_position_.store(records_end, std::memory_order_release);
  StoreShared(header_->appended_position, records_end);
  if (records_end + sizeof(RecordHeader) <= end && At(records_end)->mark == MarkOf(records_end)) {
    findings.torn_bytes = std::min<std::uint64_t>(At(records_end)->size_bytes, end - records_end);
  }
  return findings;
}

void Journal::GoOn(const JournalHeader& header, std::uint64_t position) {
  StoreShared(header_->accepted_seq, header.accepted_seq);
  StoreShared(header_->handed_on_seq, header.handed_on_seq);
  StoreShared(header_->skipped_seqs, header.skipped_seqs);
  StoreShared(header_->store_failing, 0);
  StoreShared(header_->journal_failing, 0);
  SaveClock(header.clock, header.clean != 0);
  header_->counters = header.counters;
  StoreShared(header_->store_damage, StoreDamage::kNone);
  Release(position);
}

bool Journal::Append(const Event& event) { return AppendRecord(RecordKind::kEvent, event); }

bool Journal::AppendHandedOn(std::uint64_t seq) {
  Event event;
  event.seq = seq;
  return AppendRecord(RecordKind::kHandedOn, event);
}

bool Journal::AppendRecord(RecordKind kind, const Event& event) {
  if (!PrepareRecord(kind, event)) return false;
  Commit();
  return true;
}

bool Journal::PrepareRecord(RecordKind kind, const Event& event) {
  const std::uint64_t position = appended_position_.load(std::memory_order_relaxed);
  const std::size_t size = RecordBytes(event);
  const std::uint64_t room_end =
      free_position_.load(std::memory_order_acquire) + (kind == RecordKind::kEvent ? record_bytes_max() : ring_bytes_);
  if (position + size > room_end || !healthy()) return false;

  RecordHeader* const record = At(position);
  *record = {.crc32c = 0,
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
             .retain = event.retain,
             .zero = 0};
  auto* const start = reinterpret_cast<std::byte*>(record);
  std::byte* to = start + sizeof(RecordHeader);
  for (const std::string_view piece : {event.topic, event.event_id, event.properties, event.payload}) {
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
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
  event.retain = record->retain != 0;
  const char* from = reinterpret_cast<const char*>(record + 1);
  const auto take = [&from](std::size_t size) {
    const std::string_view piece(from, size);
    from += size;
    return piece;
  };
  event.topic = take(record->topic_bytes);
  event.event_id = take(record->event_id_bytes);
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

void Journal::Sync() {
  BeginSync();
  const std::lock_guard lock(sync_mutex_);
  if (!healthy()) Rewrite();
  const auto begin = std::chrono::steady_clock::now();
  try {
    file_.SyncData();
  } catch (...) {
    SetHealthy(false);
    throw;
  }
  CountSync(std::chrono::steady_clock::now() - begin);
  SetHealthy(true);
}

void Journal::BeginSync() {
  // Whole pages: the one that is being written to is left to the sync.
  const std::uint64_t end = WholeGranules(appended_position());
  for (;;) {
    {
      const std::lock_guard lock(sync_mutex_);
      if (end < begun_position_ || end - begun_position_ < kWriteBackStepBytes) return;
      const std::uint64_t offset = begun_position_ % ring_bytes_;
      const std::uint64_t size = std::min<std::uint64_t>(kWriteBackStepBytes, ring_bytes_ - offset);
      begun_position_ += size;
      try {
        file_.StartWriteBack(kHeaderBytes + offset, size);
      } catch (...) {
        SetHealthy(false);
        throw;
      }
    }
    YieldIfPatient();  // without the mutex, for others need not be as patient
  }
}

void Journal::CountSync(std::chrono::steady_clock::duration took) {
  SyncDurations& durations = header_->sync_durations;
  std::uint64_t& count = durations.counts[SyncDurations::BucketOf(took)];
  StoreShared(count, count + 1);
  const auto took_us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  StoreShared(durations.sum_us, durations.sum_us + static_cast<std::uint64_t>(took_us));
}

void Journal::Prefault(std::uint64_t size) const {
  const std::uint64_t room_end = free_position_.load(std::memory_order_acquire) + ring_bytes_;
  const std::uint64_t end = std::min(appended_position() + size, room_end);
  // What is passed meanwhile needs it no more.
  for (std::uint64_t position = appended_position(); position < end;
       position = std::max(position + kGranularityBytes, appended_position())) {
    mapping_.Prefault(position % ring_bytes_, std::min<std::uint64_t>(kGranularityBytes, end - position));
    YieldIfPatient();
  }
}

// After a failed sync the kernel may hold the pages as clean though the disk never got them. An addition of zero makes
// each of them dirty again without changing a byte, whatever the other thread is writing.
void Journal::Rewrite() {
  DirtyPage(mapping_.header());
  // A page that begins before appended_position() has its first word written for good: new records are beyond it. But
  // in a full ring the newest may share the page with the oldest, so the addition is an atomic one.
  const std::uint64_t end = appended_position();
  for (std::uint64_t position = free_position_.load(std::memory_order_acquire) / PageBytes() * PageBytes();
       position < end; position += PageBytes()) {
    DirtyPage(mapping_.ring() + position % ring_bytes_);
  }
}

void Journal::SetHandedOnSeq(std::uint64_t seq) { StoreShared(header_->handed_on_seq, seq); }
std::uint64_t Journal::handed_on_seq() const { return LoadShared(header_->handed_on_seq); }
std::uint64_t Journal::accepted_seq() const { return LoadShared(header_->accepted_seq); }

void Journal::SetHealthy(bool healthy) {
  healthy_.store(healthy, std::memory_order_relaxed);
  StoreShared(header_->journal_failing, std::uint64_t{!healthy});
}

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
