#include "key_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "crc32c.h"

namespace dedup {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr char kMagic[8] = {'M', 'Q', 'D', 'K', 'E', 'Y', 'S', '\n'};
constexpr std::uint32_t kVersion = 1;

// Bounds the memory, at 16 MB, while a start reads many keys from the rows.
constexpr std::size_t kUnsyncedBlocksMax = 4096;
constexpr std::size_t kBlocksPerRead = 256;
// Room is given back seldom: a megabyte at a time.
constexpr std::uint64_t kForgottenBlocksMin = 256;

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t zero;
  KeyHash fingerprint;  // of the secret and of the function that made the keys
};

std::size_t OffsetOf(std::uint64_t block_number) { return (1 + static_cast<std::size_t>(block_number)) * kBlockBytes; }

}  // namespace

struct KeyFile::Block {
  std::uint32_t crc32c = 0;  // of all that follows
  std::uint32_t zero = 0;
  std::uint64_t number = 0;
  std::array<KeyHash, kKeysPerBlock> keys{};
  std::uint64_t zeros[2] = {};

  std::uint32_t Crc() const { return Crc32c(&zero, sizeof(Block) - sizeof crc32c); }
  bool IsWhole(std::uint64_t expected_number) const { return number == expected_number && crc32c == Crc(); }
};

KeyFile::KeyFile(const std::filesystem::path& data_dir, const HashSecret& secret) {
  static_assert(sizeof(Block) == kBlockBytes);
  file_ = File(data_dir / kFileName, File::Mode::kCreate);
  const Header expected = [&] {
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kVersion;
    header.fingerprint = HashKey(secret, kFileName, {kMagic, sizeof kMagic});
    return header;
  }();
  Header header{};
  if (file_.ReadAt(0, &header, sizeof header) == sizeof header && std::memcmp(&header, &expected, sizeof header) == 0) {
    return;
  }
  file_.Truncate(0);
  file_.WriteAt(0, &expected, sizeof expected);
}

KeyFile::~KeyFile() = default;

std::uint64_t KeyFile::Load(std::uint64_t after_seq, std::uint64_t last_seq, const OnKeys& on_keys) {
  appended_seq_ = after_seq;
  std::vector<Block> blocks;
  // The block that Append goes on in is read even when nothing in it is asked for.
  for (std::uint64_t number = NumberOf(after_seq); number <= NumberOf(last_seq);) {
    blocks.resize(std::min<std::uint64_t>(kBlocksPerRead, NumberOf(last_seq) - number + 1));
    const std::size_t got = file_.ReadAt(OffsetOf(number), blocks.data(), blocks.size() * sizeof(Block));
    blocks.resize(got / sizeof(Block));
    for (Block& block : blocks) {
      if (!block.IsWhole(number)) return appended_seq_;
      const std::uint64_t begin = number * kKeysPerBlock;
      const std::uint64_t skipped = after_seq >= begin ? std::min(after_seq - begin + 1, kKeysPerBlock) : 0;
      const std::uint64_t end = std::min(last_seq - begin + 1, kKeysPerBlock);
      std::fill(block.keys.begin() + end, block.keys.end(), KeyHash{});
      if (skipped < end) on_keys(begin + skipped, std::span(block.keys).subspan(skipped, end - skipped));
      unsynced_.assign(1, block);
      appended_seq_ = std::min(last_seq, (number + 1) * kKeysPerBlock - 1);
      ++number;
    }
    if (blocks.size() < kBlocksPerRead) break;
  }
  return appended_seq_;
}

void KeyFile::Append(std::uint64_t seq, const KeyHash& key) {
  if (seq <= appended_seq_) return;
  if (unsynced_.empty()) {
    unsynced_.emplace_back().number = NumberOf(appended_seq_ + 1);
  }
  while (unsynced_.back().number < NumberOf(seq)) {
    if (unsynced_.size() >= kUnsyncedBlocksMax) Sync();
    const std::uint64_t number = unsynced_.back().number + 1;
    unsynced_.emplace_back().number = number;
  }
  unsynced_.back().keys[seq % kKeysPerBlock] = key;
  appended_seq_ = seq;
}

void KeyFile::Sync() {
  if (unsynced_.empty()) return;
  for (Block& block : unsynced_) block.crc32c = block.Crc();
  file_.WriteAt(OffsetOf(unsynced_.front().number), unsynced_.data(), unsynced_.size() * sizeof(Block));
  file_.SyncData();
  unsynced_.erase(unsynced_.begin(), unsynced_.end() - 1);
}

void KeyFile::Forget(std::uint64_t seq) {
  const std::uint64_t number = NumberOf(seq);
  if (number < forgotten_block_ + kForgottenBlocksMin) return;
  file_.PunchHole(OffsetOf(forgotten_block_), (number - forgotten_block_) * kBlockBytes);
  forgotten_block_ = number;
}

}  // namespace dedup
