#include "plugin/core/index/key_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <string>

#include "plugin/core/base/crc32c.h"
#include "plugin/core/base/patience.h"

namespace dedup {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr char kMagic[8] = {'M', 'Q', 'D', 'K', 'E', 'Y', 'S', '\n'};
constexpr std::uint32_t kVersion = 1;

// Bounds the memory, at 16 MB, while a start reads many keys from the rows.
constexpr std::size_t kUnsyncedBlocksMax = 4096;
constexpr std::size_t kBlocksPerRead = 256;
constexpr std::size_t kBlocksPerWrite = kWriteBackStepBytes / kBlockBytes;
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
  std::uint32_t filled = 0;  // entries, with those of skipped seqs among them
  std::uint64_t number = 0;  // XOR 64 bits of the fingerprint on the disk: a block of another secret is damaged
  std::uint64_t next = 0;    // the number of the next block; 0 in the last
  std::uint64_t zero = 0;
  std::array<KeyHash, kKeysPerBlock> keys{};

  std::uint32_t Crc() const { return Crc32c(&filled, sizeof(Block) - sizeof crc32c); }
  bool IsWhole(std::uint64_t expected_number) const {
    return number == expected_number && crc32c == Crc() && filled != 0 && filled <= kKeysPerBlock;
  }
  std::uint64_t FirstSeq() const { return number * kKeysPerBlock; }
};

template <class Action>
void KeyFile::Try(Action action) {
  if (!is_usable_) return;
  try {
    action();
  } catch (const std::exception& error) {
    is_usable_ = false;
    unsynced_.clear();
    log_.AddMade(LogLevel::kWarning, [&] {
      return std::string(kFileName) + " is not kept any more, so the next start will take longer: " + error.what();
    });
  }
}

KeyFile::KeyFile(const std::filesystem::path& data_dir, const HashSecret& secret, LogQueue& log) : log_(log) {
  Try([&] { Open(data_dir / kFileName, secret); });
}

KeyFile::~KeyFile() = default;

void KeyFile::Open(const std::filesystem::path& path, const HashSecret& secret) {
  static_assert(sizeof(Block) == kBlockBytes);
  file_ = File(path, File::Mode::kCreate);
  Header expected{};
  std::memcpy(expected.magic, kMagic, sizeof kMagic);
  expected.version = kVersion;
  expected.fingerprint = HashKey(secret, kFileName, {kMagic, sizeof kMagic});
  fingerprint_ = expected.fingerprint.low;
  Header header{};
  if (file_.ReadAt(0, &header, sizeof header) == sizeof header && std::memcmp(&header, &expected, sizeof header) == 0) {
    return;
  }
  file_.Truncate(0);
  file_.WriteAt(0, &expected, sizeof expected);
}

std::size_t KeyFile::Read(std::uint64_t number, std::vector<Block>* blocks) {
  std::size_t got = 0;
  Try([&] { got = file_.ReadAt(OffsetOf(number), blocks->data(), blocks->size() * sizeof(Block)) / sizeof(Block); });
  return got;
}

std::uint64_t KeyFile::Load(std::uint64_t after_seq, std::uint64_t last_seq, const OnKeys& on_keys) {
  appended_seq_ = after_seq;
  std::vector<Block> blocks;
  // The block that Append goes on in is read even when nothing in it is asked for.
  for (std::uint64_t number = NumberOf(after_seq); number <= NumberOf(last_seq);) {
    blocks.resize(std::min<std::uint64_t>(kBlocksPerRead, NumberOf(last_seq) - number + 1));
    blocks.resize(Read(number, &blocks));
    if (blocks.empty()) break;
    for (Block& block : blocks) {
      if (!block.IsWhole(number ^ fingerprint_)) return appended_seq_;
      block.number = number;
      const std::uint64_t begin = block.FirstSeq();
      const std::uint64_t wanted = std::min(last_seq - begin + 1, kKeysPerBlock);
      const std::uint64_t skipped = after_seq >= begin ? std::min(after_seq - begin + 1, kKeysPerBlock) : 0;
      const std::uint64_t end = std::min<std::uint64_t>(wanted, block.filled);
      std::fill(block.keys.begin() + end, block.keys.end(), KeyHash{});
      if (skipped < end) on_keys(begin + skipped, std::span(block.keys).subspan(skipped, end - skipped));
      block.filled = static_cast<std::uint32_t>(end);
      unsynced_.assign(1, block);
      appended_seq_ = std::max(appended_seq_, begin + end - 1);
      // At its end, or older than the table key_file says.
      if (number == NumberOf(last_seq) || end < wanted || block.next <= number) return appended_seq_;
      appended_seq_ = std::min(last_seq, block.next * kKeysPerBlock - 1);
      const bool is_gap = block.next != number + 1;
      number = block.next;
      if (is_gap) break;
    }
  }
  return appended_seq_;
}

std::uint64_t KeyFile::CountMax() {
  std::uint64_t count = 0;
  Try([&] { count = file_.size_bytes() / sizeof(KeyHash); });
  return count;
}

void KeyFile::Append(std::uint64_t seq, const KeyHash& key) {
  if (seq <= appended_seq_ || !is_usable_) return;
  if (unsynced_.empty()) unsynced_.emplace_back().number = NumberOf(appended_seq_);
  const std::uint64_t number = NumberOf(seq);
  if (unsynced_.back().number < number) {
    unsynced_.back().filled = kKeysPerBlock;
    unsynced_.back().next = number;
    if (unsynced_.size() >= kUnsyncedBlocksMax && !Sync()) return;
    unsynced_.emplace_back().number = number;
  }
  Block& block = unsynced_.back();
  block.keys[seq % kKeysPerBlock] = key;
  block.filled = static_cast<std::uint32_t>(seq % kKeysPerBlock + 1);
  appended_seq_ = seq;
}

void KeyFile::Write() {
  std::vector<Block> run;
  const auto flush = [&] {
    if (run.empty()) return;
    const std::uint64_t number = run.front().number;
    for (Block& block : run) {
      block.number ^= fingerprint_;
      block.crc32c = block.Crc();
    }
    file_.WriteAt(OffsetOf(number), run.data(), run.size() * sizeof(Block));
    file_.StartWriteBack(OffsetOf(number), run.size() * sizeof(Block));
    YieldIfPatient();
    run.clear();
  };
  for (const Block& block : unsynced_) {
    if (!run.empty() && (block.number != run.back().number + 1 || run.size() == kBlocksPerWrite)) flush();
    run.push_back(block);
  }
  flush();
}

bool KeyFile::Sync() {
  Try([&] {
    if (unsynced_.empty()) return;
    Write();
    file_.SyncData();
    unsynced_.erase(unsynced_.begin(), unsynced_.end() - 1);
  });
  return is_usable_;
}

void KeyFile::Forget(std::uint64_t seq) {
  // What is not written yet must not be given back before it is.
  const std::uint64_t number = std::min(NumberOf(seq), unsynced_.empty() ? NumberOf(seq) : unsynced_.front().number);
  if (!is_usable_ || number < forgotten_block_ + kForgottenBlocksMin) return;
  file_.PunchHole(OffsetOf(forgotten_block_), (number - forgotten_block_) * kBlockBytes);
  forgotten_block_ = number;
}

}  // namespace dedup
