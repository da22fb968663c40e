// Replay of a journal with arbitrary bytes changed: it never crashes, never invents an event, and never loses an intact
// record in front of the damage.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "plugin/core/journal/journal.h"
#include "tests/unit/support/append.h"
#include "tests/unit/support/temp_dir.h"

namespace {

constexpr std::size_t kRecords = 8;

struct Fixture {
  Fixture() {
    dedup::JournalHeader header{};
    header.secret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const auto journal = dedup::Journal::Create(directory.path(), dedup::Journal::kRingBytesMin, header);
    for (std::uint64_t seq = 1; seq <= kRecords; ++seq) {
      record_offsets.push_back(dedup::JournalHeader::kRoomBytes + journal->appended_position());
      dedup::Event event;
      event.seq = seq;
      event.topic = "topic";
      const std::string payload(seq * 7, static_cast<char>('a' + seq));
      payloads[seq] = payload;
      event.event_id = payload;
      event.payload = payload;
      if (!dedup::Append(*journal, event)) std::abort();
    }
    record_offsets.push_back(dedup::JournalHeader::kRoomBytes + journal->appended_position());
    bytes = dedup::ReadFile(directory / dedup::JournalHeader::kFileName);
  }

  dedup::TempDir directory;
  std::string bytes;                        // of the file
  std::vector<std::size_t> record_offsets;  // in the file; the last is the end
  std::map<std::uint64_t, std::string> payloads;
};

const Fixture& GetFixture() {
  static const Fixture fixture;
  return fixture;
}

}  // namespace

// The input is a list of edits: offset u16, from the first record on (or from the file's beginning when its top bit is
// set), and the byte to write there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Fixture& fixture = GetFixture();
  std::string bytes = fixture.bytes;
  std::size_t first_edit = bytes.size();
  for (; size >= 3; data += 3, size -= 3) {
    const std::size_t word = data[0] * 256U + data[1];
    const std::size_t offset = (word & 0x7FFF) + (word < 0x8000 ? dedup::JournalHeader::kRoomBytes : 0);
    if (bytes[offset] == static_cast<char>(data[2])) continue;
    bytes[offset] = static_cast<char>(data[2]);
    first_edit = std::min(first_edit, offset);
  }
  const std::filesystem::path path = fixture.directory / dedup::JournalHeader::kFileName;
  dedup::WriteFile(path, bytes);
  try {
    const auto journal = dedup::Journal::Open(fixture.directory.path());
    if (!journal) std::abort();
    std::vector<bool> replayed(kRecords + 1);
    journal->Replay(dedup::Journal::Search::kWholeRing, [&](const dedup::Journal::Entry& entry) {
      // The checksum holds, so these can be no other bytes than were written.
      const auto known = fixture.payloads.find(entry.event.seq);
      if (known == fixture.payloads.end() || entry.event.payload != known->second) std::abort();
      replayed[entry.event.seq] = true;
    });
    if (first_edit < dedup::JournalHeader::kRoomBytes) return 0;
    for (std::size_t i = 0; i < kRecords && fixture.record_offsets[i + 1] <= first_edit; ++i) {
      if (!replayed[i + 1]) std::abort();
    }
  } catch (const dedup::StorageError&) {
    if (first_edit >= dedup::JournalHeader::kRoomBytes)
      std::abort();  // only a damaged header makes a journal unreadable
  }
  return 0;
}
