// A database with arbitrary bytes changed, read page by page as a salvage does: it never crashes and always ends.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "plugin/core/start/damaged_database.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace {

constexpr std::uint64_t kRows = 300;

struct Fixture {
  Fixture() {
    const std::filesystem::path path = directory / dedup::Store::kFileName;
    {
      dedup::Store store(path);
      dedup::Store::Batch batch(store, dedup::Store::Durability::kVisible);
      for (std::uint64_t seq = 1; seq <= kRows; ++seq) {
        const std::string id = "id " + std::to_string(seq);
        const std::string topic = "a/topic/" + std::to_string(seq % 50);
        const std::string payload(seq % 50 == 0 ? 10'000 : 60, 'x');
        dedup::Event event;
        event.seq = seq;
        event.topic = topic;
        event.event_id = id;
        event.payload = payload;
        if (seq % 5 == 0) event.rule = {.name = "rule", .key = {.high = seq, .low = seq}, .window_ms = 1000};
        batch.Insert(event);
        if (seq % 10 == 0) batch.InsertInDoubt(event);
      }
      batch.Commit();
    }
    bytes = dedup::ReadFile(path);
  }

  dedup::TempDir directory;
  std::string bytes;

  std::filesystem::path path() const { return directory / "damaged.db"; }
};

const Fixture& GetFixture() {
  static const Fixture fixture;
  return fixture;
}

}  // namespace

// The input is a list of edits: the page u8, the offset in it u16, and the byte to write there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Fixture& fixture = GetFixture();
  std::string bytes = fixture.bytes;
  for (; size >= 4; data += 4, size -= 4) {
    const std::size_t offset = data[0] * std::size_t{4096} + (data[1] * 256U + data[2]) % 4096;
    bytes[offset % bytes.size()] = static_cast<char>(data[3]);
  }
  dedup::WriteFile(fixture.path(), bytes);
  dedup::DamagedDatabase database(fixture.path());
  const dedup::DamagedDatabase::Small small = database.ReadSmall();
  std::uint64_t rows = 0;
  std::size_t read_bytes = 0;  // what is shown is there
  database.ForEachRow(
      [&](const dedup::DamagedDatabase::Row& row) {
        ++rows;
        for (const char byte : row.event_id) read_bytes += static_cast<unsigned char>(byte) != 0;
        for (const char byte : row.payload) read_bytes += static_cast<unsigned char>(byte) != 0;
      },
      [](const dedup::RuleKey&) {});
  if (rows > bytes.size() || database.UnreadablePages() > bytes.size() / 512) std::abort();
  if (bytes == fixture.bytes && (rows != kRows || small.in_doubt.size() != kRows / 10 || read_bytes == 0)) std::abort();
  return 0;
}
