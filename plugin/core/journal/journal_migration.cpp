#include "plugin/core/journal/journal_migration.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "plugin/core/base/file.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/journal/journal_header.h"

namespace dedup {
namespace {

// Format 1 had three layouts: at first its header took a page and had these fields; then it took today's room; then it
// got today's fields, which are those of format 2 too. Format 3 gave meanings to bits of a record that were 0 before.
struct FirstHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t identity_crc32c;
  std::uint64_t ring_bytes;
  HashSecret secret;
  alignas(64) std::uint64_t released_position;
  std::uint64_t clean;
  std::int64_t age_ms;
  std::int64_t wall_ms;
  std::int64_t boot_ms;
  std::uint64_t boot_number;
  std::uint64_t store_failing;
  std::uint64_t journal_failing;
  alignas(64) std::uint64_t accepted_seq;
  std::uint64_t handed_on_seq;
  std::uint64_t skipped_seqs;
  std::uint64_t appended_position;
  std::uint64_t duplicates;
  std::uint64_t passed;
  std::uint64_t refused;
  std::uint64_t invalid_ids;
  std::uint64_t unstored;
};
constexpr std::size_t kFirstHeaderBytes = offsetof(FirstHeader, unstored) + sizeof(std::uint64_t);
static_assert(offsetof(FirstHeader, released_position) == 64 && offsetof(FirstHeader, accepted_seq) == 128 &&
              kFirstHeaderBytes == 200);
constexpr std::size_t kFirstRoomBytes = 4096;

// Today's fields have the complement of a position where those had `clean`, 0 or 1, and go on behind their end.
bool HasFirstFields(const JournalHeader& header) {
  FirstHeader first{};
  std::memcpy(static_cast<void*>(&first), &header, kFirstHeaderBytes);
  const auto* const bytes = reinterpret_cast<const char*>(&header);
  return first.clean <= 1 &&
         std::all_of(bytes + kFirstHeaderBytes, bytes + sizeof header, [](char byte) { return byte == 0; });
}

// Else it is searched for, as in a header of today that is damaged.
bool IsReleasedPlausible(const FirstHeader& first) {
  return first.released_position <= first.appended_position &&
         first.appended_position - first.released_position <= first.ring_bytes &&
         first.released_position % kRecordAlignment == 0;
}

JournalHeader HeaderOf(const FirstHeader& first) {
  JournalHeader header{};
  header.ring_bytes = Journal::RingBytes(first.ring_bytes);
  header.secret = first.secret;
  header.released_position = first.released_position;
  header.released_check = IsReleasedPlausible(first) ? ~first.released_position : 0;
  header.clean = first.clean;
  header.clock = {
      .age_ms = first.age_ms, .wall_ms = first.wall_ms, .boot_ms = first.boot_ms, .boot_number = first.boot_number};
  header.accepted_seq = first.accepted_seq;
  header.handed_on_seq = first.handed_on_seq;
  header.skipped_seqs = first.skipped_seqs;
  header.appended_position = first.appended_position;
  header.counters.duplicates = first.duplicates;
  header.counters.passed = first.passed;
  header.counters.refused = first.refused;
  header.counters.invalid_ids = first.invalid_ids;
  header.counters.unstored = first.unstored;
  Identify(&header);
  return header;
}

// Of a file: where its ring begins, and how long it is.
struct Ring {
  const File& file;
  std::size_t offset;
  std::uint64_t bytes;

  std::size_t OffsetOf(std::uint64_t position) const { return offset + position % bytes; }
  std::uint64_t BytesToItsEnd(std::uint64_t position) const { return bytes - position % bytes; }
};

// A whole lap from `position` on. A record says at which position it stands, so there it must be in the other ring too.
void CopyLap(const Ring& from, const Ring& to, std::uint64_t position) {
  std::vector<char> buffer(1 << 20);
  const std::uint64_t end = position + from.bytes;
  while (position < end) {
    const std::uint64_t size = std::min(
        {end - position, from.BytesToItsEnd(position), to.BytesToItsEnd(position), std::uint64_t{buffer.size()}});
    // Fewer where the file was cut short; what is not written are zeros.
    const std::size_t got = from.file.ReadAt(from.OffsetOf(position), buffer.data(), size);
    to.file.WriteAt(to.OffsetOf(position), buffer.data(), got);
    position += size;
  }
}

// At how many places of it there stands what may be a record: its mark is that of the place.
std::uint64_t CountMarks(const Ring& ring, const HashSecret& secret) {
  std::uint64_t secret_word;
  std::memcpy(&secret_word, secret.data(), sizeof secret_word);
  std::uint64_t marks = 0;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t begin = 0; begin < ring.bytes; begin += buffer.size()) {
    const std::size_t got = ring.file.ReadAt(ring.offset + begin, buffer.data(),
                                             std::min<std::uint64_t>(buffer.size(), ring.bytes - begin));
    constexpr std::size_t kMarkOffset = offsetof(RecordHeader, mark);
    for (std::size_t i = kMarkOffset; i + sizeof secret_word <= got; i += kRecordAlignment) {
      std::uint64_t mark;
      std::memcpy(&mark, buffer.data() + i, sizeof mark);
      marks += static_cast<std::uint64_t>((mark ^ secret_word) % ring.bytes == begin + i - kMarkOffset);
    }
  }
  return marks;
}

// The file's size does not tell it when the file was cut short.
bool HasFirstRoom(const File& file, const FirstHeader& first) {
  const std::uint64_t with_first = CountMarks({file, kFirstRoomBytes, first.ring_bytes}, first.secret);
  const std::uint64_t with_todays = CountMarks({file, JournalHeader::kRoomBytes, first.ring_bytes}, first.secret);
  if (with_first != with_todays) return with_first > with_todays;
  return file.size_bytes() == kFirstRoomBytes + first.ring_bytes;
}

void WriteNew(const File& old_file, const FirstHeader& first, const std::filesystem::path& path) {
  const JournalHeader header = HeaderOf(first);
  const bool has_first_room = HasFirstRoom(old_file, first);
  File file(path, File::Mode::kCreate);
  file.Allocate(JournalHeader::kRoomBytes + header.ring_bytes);
  CopyLap({old_file, has_first_room ? kFirstRoomBytes : JournalHeader::kRoomBytes, first.ring_bytes},
          {file, JournalHeader::kRoomBytes, header.ring_bytes},
          IsReleasedPlausible(first) ? first.released_position : 0);
  file.WriteAt(0, &header, sizeof header);
  file.SyncData();
}

}  // namespace

bool MigrateJournal(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / JournalHeader::kFileName;
  if (!std::filesystem::exists(path)) return false;
  const File file(path, File::Mode::kReadWrite);
  JournalHeader header{};
  file.ReadAt(0, &header, sizeof header);
  if (header.version == 0 || header.version >= JournalHeader::kVersion || !IsIdentified(header) ||
      header.ring_bytes == 0) {
    return false;
  }
  if (header.version != 1 || !HasFirstFields(header)) {
    file.WriteAt(offsetof(JournalHeader, version), &JournalHeader::kVersion, sizeof JournalHeader::kVersion);
    return false;
  }
  FirstHeader first{};
  std::memcpy(static_cast<void*>(&first), &header, kFirstHeaderBytes);
  const std::filesystem::path unfinished = path.string() + ".new";
  std::filesystem::remove(unfinished);
  try {
    WriteNew(file, first, unfinished);
  } catch (...) {
    // It may have taken the room that was missing.
    std::filesystem::remove(unfinished);
    throw;
  }
  std::filesystem::rename(unfinished, path);
  SyncDirectory(data_dir);
  return true;
}

}  // namespace dedup
