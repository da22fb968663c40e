// events.keys with arbitrary bytes changed: it never crashes, and never gives a key that was not written for that seq.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "plugin/core/index/key_file.h"
#include "tests/unit/support/temp_dir.h"

namespace {

constexpr std::uint64_t kKeys = 600;  // three blocks
constexpr dedup::HashSecret kSecret = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

dedup::KeyHash KeyOf(std::uint64_t seq) { return {.high = seq * 0x9E3779B97F4A7C15U, .low = ~seq}; }

struct Fixture {
  Fixture() {
    dedup::LogQueue log;
    dedup::KeyFile keys(directory.path(), kSecret, log);
    keys.Load(0, 0, [](std::uint64_t, std::span<const dedup::KeyHash>) {});
    for (std::uint64_t seq = 1; seq <= kKeys; ++seq) keys.Append(seq, KeyOf(seq));
    if (!keys.Sync()) std::abort();
    bytes = dedup::ReadFile(path());
  }

  dedup::TempDir directory;
  std::string bytes;

  std::filesystem::path path() const { return directory / dedup::KeyFile::kFileName; }
};

const Fixture& GetFixture() {
  static const Fixture fixture;
  return fixture;
}

}  // namespace

// The input: how far the table key_file says that the file goes (u16), then edits: offset u16, and the byte to write
// there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Fixture& fixture = GetFixture();
  const std::uint64_t keys_seq = data[0] * 256U + data[1];
  std::string bytes = fixture.bytes;
  for (data += 2, size -= 2; size >= 3; data += 3, size -= 3) {
    bytes[(data[0] * 256U + data[1]) % bytes.size()] = static_cast<char>(data[2]);
  }
  dedup::WriteFile(fixture.path(), bytes);
  dedup::LogQueue log;
  dedup::KeyFile keys(fixture.directory.path(), kSecret, log);
  std::uint64_t expected_seq = 0;
  const std::uint64_t loaded_seq =
      keys.Load(0, keys_seq, [&](std::uint64_t first_seq, std::span<const dedup::KeyHash> hashes) {
        if (first_seq <= expected_seq && expected_seq != 0) std::abort();
        for (std::size_t i = 0; i < hashes.size(); ++i) {
          const std::uint64_t seq = first_seq + i;
          if (seq > keys_seq || seq == 0) std::abort();
          // The checksum holds, so these can be no other bytes than were written.
          if (!dedup::KeyFile::IsNone(hashes[i]) && hashes[i] != KeyOf(seq)) std::abort();
        }
        expected_seq = first_seq + hashes.size() - 1;
      });
  if (loaded_seq > keys_seq) std::abort();
  return 0;
}
