#include "plugin/core/store/page_records.h"

#include <algorithm>
#include <bit>

#include "plugin/core/store/big_endian.h"

namespace dedup {
namespace {

constexpr std::size_t kFileHeaderBytes = 100;  // in front of page 1's own
constexpr std::size_t kLeafHeaderBytes = 8;
constexpr std::size_t kInteriorHeaderBytes = 12;
constexpr std::size_t kChildBytes = 4;  // in front of each cell of an interior page
constexpr std::size_t kVarintBytesMax = 9;

bool IsInterior(PageKind kind) { return kind == PageKind::kIndexInterior || kind == PageKind::kTableInterior; }
bool IsOfTable(PageKind kind) { return kind == PageKind::kTableLeaf || kind == PageKind::kTableInterior; }

// Seven bits a byte, the ninth with all of its own.
std::optional<std::uint64_t> TakeVarint(std::string_view* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min(bytes->size(), kVarintBytesMax); ++i) {
    const auto byte = static_cast<unsigned char>((*bytes)[i]);
    const bool is_ninth = i + 1 == kVarintBytesMax;
    value = is_ninth ? value << 8 | byte : value << 7 | (byte & 0x7FU);
    if (!is_ninth && (byte & 0x80U) != 0) continue;
    bytes->remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

// How a column of this serial type is stored. nullopt: there is no such type.
struct Stored {
  ColumnValue::Type type;
  std::uint64_t bytes;
};
std::optional<Stored> StoredAs(std::uint64_t serial_type) {
  using enum ColumnValue::Type;
  constexpr std::uint64_t kIntegerBytes[] = {0, 1, 2, 3, 4, 6, 8};
  if (serial_type == 0) return Stored{kNull, 0};
  if (serial_type < std::size(kIntegerBytes)) return Stored{kInteger, kIntegerBytes[serial_type]};
  if (serial_type == 7) return Stored{kReal, 8};
  if (serial_type == 8 || serial_type == 9) return Stored{kInteger, 0};  // zero and one
  if (serial_type < 12) return std::nullopt;
  return Stored{serial_type % 2 == 0 ? kBlob : kText, (serial_type - 12) / 2};
}

std::int64_t SignedBigEndian(std::string_view bytes) {
  std::uint64_t value = (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

}  // namespace

PageKind PageReader::Read(std::uint32_t number) {
  kind_ = PageKind::kOther;
  if (!pages_.Read(number, &page_)) return kind_;
  header_offset_ = number == 1 ? kFileHeaderBytes : 0;
  const std::string_view header = std::string_view(page_).substr(header_offset_);
  const auto kind = static_cast<PageKind>(header.front());
  if (kind != PageKind::kIndexInterior && kind != PageKind::kTableInterior && kind != PageKind::kIndexLeaf &&
      kind != PageKind::kTableLeaf) {
    return kind_;
  }
  cell_count_ = BigEndian<std::uint16_t>(header.substr(3));
  const std::size_t header_bytes = IsInterior(kind) ? kInteriorHeaderBytes : kLeafHeaderBytes;
  if (header_offset_ + header_bytes + 2 * cell_count_ > pages_.usable_bytes()) return kind_;
  is_used_[number] = true;
  return kind_ = kind;
}

std::string_view PageReader::CellAt(std::size_t number) const {
  const std::string_view page = std::string_view(page_).substr(0, pages_.usable_bytes());
  const std::size_t pointers = header_offset_ + (IsInterior(kind_) ? kInteriorHeaderBytes : kLeafHeaderBytes);
  const std::size_t offset = BigEndian<std::uint16_t>(page.substr(pointers + 2 * number));
  if (offset < pointers + 2 * cell_count_ || offset >= page.size()) return {};
  return page.substr(offset);
}

std::vector<std::uint32_t> PageReader::Children() const {
  std::vector<std::uint32_t> children;
  if (!IsInterior(kind_)) return children;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const std::string_view cell = CellAt(i);
    if (cell.size() >= kChildBytes) children.push_back(BigEndian<std::uint32_t>(cell));
  }
  children.push_back(BigEndian<std::uint32_t>(std::string_view(page_).substr(header_offset_ + kLeafHeaderBytes)));
  return children;
}

void PageReader::ForEachRecord(const std::function<void(const Record&)>& on_record) {
  if (kind_ == PageKind::kOther || kind_ == PageKind::kTableInterior) return;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    std::string_view cell = CellAt(i);
    if (IsInterior(kind_)) {
      if (cell.size() < kChildBytes) continue;
      cell.remove_prefix(kChildBytes);
    }
    const std::optional<std::uint64_t> bytes = TakeVarint(&cell);
    const std::optional<std::uint64_t> rowid = IsOfTable(kind_) ? TakeVarint(&cell) : 0;
    if (!bytes || !rowid) continue;
    const std::optional<std::string_view> payload = PayloadOf(cell, *bytes);
    if (!payload || !Decode(*payload)) continue;
    on_record({.rowid = static_cast<std::int64_t>(*rowid), .columns = columns_, .shape = shape_});
  }
}

// As much of it as the format says stands in the cell, the rest on a chain of other pages.
std::optional<std::string_view> PageReader::PayloadOf(std::string_view cell, std::uint64_t bytes) {
  const std::size_t usable = pages_.usable_bytes();
  const std::size_t local_max = IsOfTable(kind_) ? usable - 35 : (usable - 12) * 64 / 255 - 23;
  if (bytes <= local_max) {
    if (cell.size() < bytes) return std::nullopt;
    return cell.substr(0, bytes);
  }
  if (bytes > std::uint64_t{pages_.count()} * usable) return std::nullopt;
  const std::size_t local_min = (usable - 12) * 32 / 255 - 23;
  const std::size_t page_room = usable - kChildBytes;
  std::size_t local = local_min + (bytes - local_min) % page_room;
  if (local > local_max) local = local_min;
  if (cell.size() < local + kChildBytes) return std::nullopt;
  payload_.assign(cell.substr(0, local));
  std::vector<std::uint32_t> chain;
  std::uint32_t milestone = 0;  // Brent's: a chain that comes back to one of its pages meets the last power of two's
  for (auto next = BigEndian<std::uint32_t>(cell.substr(local)); payload_.size() < bytes;) {
    if (next == milestone || !pages_.Read(next, &overflow_page_)) return std::nullopt;
    chain.push_back(next);
    if (std::has_single_bit(chain.size())) milestone = next;
    next = BigEndian<std::uint32_t>(overflow_page_);
    payload_.append(overflow_page_, kChildBytes, std::min<std::size_t>(page_room, bytes - payload_.size()));
    const bool is_last = payload_.size() == bytes;
    if (is_last != (next == 0)) return std::nullopt;
  }
  for (const std::uint32_t number : chain) is_used_[number] = true;
  return payload_;
}

bool PageReader::Decode(std::string_view payload) {
  columns_.clear();
  shape_.clear();
  std::string_view header = payload;
  const std::optional<std::uint64_t> header_bytes = TakeVarint(&header);
  const std::size_t taken = payload.size() - header.size();
  if (!header_bytes || *header_bytes < taken || *header_bytes > payload.size()) return false;
  header = payload.substr(taken, *header_bytes - taken);
  std::string_view body = payload.substr(*header_bytes);
  while (!header.empty()) {
    const std::optional<std::uint64_t> serial_type = TakeVarint(&header);
    const std::optional<Stored> stored = serial_type ? StoredAs(*serial_type) : std::nullopt;
    if (!stored || stored->bytes > body.size()) return false;
    ColumnValue value;
    value.type = stored->type;
    const std::string_view bytes = body.substr(0, stored->bytes);
    body.remove_prefix(bytes.size());
    if (value.type == ColumnValue::Type::kInteger) {
      value.integer = bytes.empty() ? static_cast<std::int64_t>(*serial_type - 8) : SignedBigEndian(bytes);
    } else {
      value.bytes = bytes;
    }
    columns_.push_back(value);
    shape_.push_back(static_cast<char>(value.type));
  }
  return body.empty();
}

}  // namespace dedup
