#include "plugin/core/store/database_pages.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "plugin/core/base/errors.h"
#include "plugin/core/store/big_endian.h"

namespace dedup {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
// What SQLite makes unless it is told otherwise, as all of our own databases.
constexpr std::size_t kUsualPageBytes = 4096;
constexpr std::size_t kPageBytesMin = 512;
constexpr std::size_t kPageBytesMax = 65536;
constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kFirstTrunkOffset = 32;

constexpr std::uint32_t kWalMagic = 0x377f0682;  // its last bit: the checksums are big-endian
constexpr std::size_t kWalHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;

bool IsPageSize(std::size_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kPageBytesMin && bytes <= kPageBytesMax;
}

// The WAL's own; each goes on from the one before.
class WalChecksum {
 public:
  explicit WalChecksum(bool is_big_endian) : is_big_endian_(is_big_endian) {}

  void Add(std::string_view bytes) {
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      first_ += Word(bytes) + second_;
      second_ += Word(bytes.substr(4)) + first_;
    }
  }
  bool Is(std::string_view stored) const {
    return BigEndian<std::uint32_t>(stored) == first_ && BigEndian<std::uint32_t>(stored.substr(4)) == second_;
  }

 private:
  std::uint32_t Word(std::string_view bytes) const {
    const auto word = BigEndian<std::uint32_t>(bytes);
    return is_big_endian_ ? word : __builtin_bswap32(word);
  }

  const bool is_big_endian_;
  std::uint32_t first_ = 0;
  std::uint32_t second_ = 0;
};

bool ReadWhole(const File& file, std::size_t offset, std::size_t size, std::string* bytes) {
  bytes->resize(size);
  try {
    return file.ReadAt(offset, bytes->data(), size) == size;
  } catch (const StorageError&) {  // a sector that cannot be read: the others may
    return false;
  }
}

}  // namespace

DatabasePages::DatabasePages(const std::filesystem::path& path)
    : file_(path, File::Mode::kRead), page_bytes_(kUsualPageBytes) {
  ReadHeader();
  count_ = static_cast<std::uint32_t>((file_.size_bytes() + page_bytes_ - 1) / page_bytes_);
  const std::filesystem::path wal = path.string() + "-wal";
  if (std::filesystem::exists(wal)) ReadWal(wal);
}

void DatabasePages::ReadHeader() {
  std::string header;
  const bool is_header = ReadWhole(file_, 0, kHeaderBytes, &header) && header.starts_with(kMagic);
  if (is_header) {
    const std::size_t bytes = BigEndian<std::uint16_t>(std::string_view(header).substr(16));
    const std::size_t page_bytes = bytes == 1 ? kPageBytesMax : bytes;
    if (IsPageSize(page_bytes)) page_bytes_ = page_bytes;
  }
}

void DatabasePages::ReadWal(const std::filesystem::path& path) {
  wal_.emplace(path, File::Mode::kRead);
  std::string header;
  if (!ReadWhole(*wal_, 0, kWalHeaderBytes, &header)) return;
  const std::string_view view(header);
  const auto magic = BigEndian<std::uint32_t>(view);
  if ((magic & ~1U) != kWalMagic || BigEndian<std::uint32_t>(view.substr(8)) != page_bytes_) return;
  WalChecksum checksum((magic & 1U) != 0);
  checksum.Add(view.substr(0, 24));
  if (!checksum.Is(view.substr(24))) return;
  const std::string salt(view.substr(16, 8));

  const std::size_t pages_in_file = count_;
  std::unordered_map<std::uint32_t, std::size_t> uncommitted;
  std::string frame;
  for (std::size_t offset = kWalHeaderBytes; ReadWhole(*wal_, offset, kFrameHeaderBytes + page_bytes_, &frame);
       offset += frame.size()) {
    const std::string_view bytes(frame);
    checksum.Add(bytes.substr(0, 8));
    checksum.Add(bytes.substr(kFrameHeaderBytes));
    if (bytes.substr(8, 8) != salt || !checksum.Is(bytes.substr(16))) return;
    uncommitted[BigEndian<std::uint32_t>(bytes)] = offset + kFrameHeaderBytes;
    const auto count = BigEndian<std::uint32_t>(bytes.substr(4));
    if (count == 0) continue;
    // Each page stands in the file or in a frame: more of them than that is not to be believed.
    count_ = static_cast<std::uint32_t>(std::min<std::size_t>(count, pages_in_file + offset / frame.size() + 1));
    for (const auto& [number, at] : uncommitted) wal_offsets_[number] = at;
    uncommitted.clear();
  }
}

bool DatabasePages::Read(std::uint32_t number, std::string* page) const {
  if (number == 0 || number > count_) return false;
  const auto in_wal = wal_offsets_.find(number);
  if (in_wal != wal_offsets_.end()) return ReadWhole(*wal_, in_wal->second, page_bytes_, page);
  return ReadWhole(file_, (number - std::size_t{1}) * page_bytes_, page_bytes_, page);
}

std::vector<bool> DatabasePages::FreePages() const {
  std::vector<bool> is_free(count_ + std::size_t{1});
  std::string page;
  if (!Read(1, &page) || !page.starts_with(kMagic)) return is_free;
  // Each trunk page names the next one and some that are leaves.
  for (auto trunk = BigEndian<std::uint32_t>(std::string_view(page).substr(kFirstTrunkOffset));
       trunk > 1 && trunk <= count_ && !is_free[trunk];) {
    if (!Read(trunk, &page)) break;
    const std::string_view bytes(page);
    const auto leaves = BigEndian<std::uint32_t>(bytes.substr(4));
    if (leaves > usable_bytes() / 4 - 2) break;
    is_free[trunk] = true;
    for (std::uint32_t i = 0; i < leaves; ++i) {
      const auto leaf = BigEndian<std::uint32_t>(bytes.substr(8 + 4 * std::size_t{i}));
      if (leaf > 1 && leaf <= count_) is_free[leaf] = true;
    }
    trunk = BigEndian<std::uint32_t>(bytes);
  }
  return is_free;
}

}  // namespace dedup
