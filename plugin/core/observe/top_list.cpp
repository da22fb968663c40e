#include "plugin/core/observe/top_list.h"

#include <algorithm>

#include "plugin/core/base/crc32c.h"

namespace dedup {
namespace {

constexpr std::string_view kCutMark = "…";

// Of a text that was longer than what is kept of it; not in the middle of a character.
std::string Cut(std::string_view beginning) {
  std::size_t size = beginning.size() - kCutMark.size();
  while (size > 0 && (static_cast<unsigned char>(beginning[size]) & 0xC0) == 0x80) --size;
  return std::string(beginning.substr(0, size)).append(kCutMark);
}

}  // namespace

TopList::TopList() { buckets_.fill(kNone); }

// Texts that were made to share a bucket cost a walk along the rows, no more.
TopList::RowNumber TopList::Find(std::string_view text, std::uint32_t hash) const {
  for (RowNumber row = buckets_[hash % kBuckets]; row != kNone; row = slots_[row].next) {
    const Slot& slot = slots_[row];
    if (slot.hash == hash && slot.text_bytes == text.size() &&
        text.starts_with(std::string_view(texts_[row].data(), std::min(text.size(), kTextBytesMax)))) {
      return row;
    }
  }
  return kNone;
}

void TopList::Link(RowNumber row) {
  RowNumber& first = buckets_[slots_[row].hash % kBuckets];
  slots_[row].next = first;
  first = row;
}

void TopList::Unlink(RowNumber row) {
  RowNumber* link = &buckets_[slots_[row].hash % kBuckets];
  while (*link != row) link = &slots_[*link].next;
  *link = slots_[row].next;
}

// Rows with the least count are met one after the other, and each gets more by being taken: so a flood of new texts
// looks through all rows only once in a while.
TopList::RowNumber TopList::TakeRow() {
  if (filled_ < kRows) {
    slots_[filled_].count = 0;
    return static_cast<RowNumber>(filled_++);
  }
  const auto find = [this] {
    while (cursor_ < kRows && slots_[cursor_].count != least_) ++cursor_;
    return cursor_ < kRows;
  };
  if (!find()) {
    least_ = std::ranges::min(slots_, {}, &Slot::count).count;
    cursor_ = 0;
    find();
  }
  const auto row = static_cast<RowNumber>(cursor_++);
  Unlink(row);
  return row;
}

void TopList::Count(std::string_view text, bool is_duplicate) noexcept {
  const std::uint32_t hash = Crc32c(text.data(), text.size());
  RowNumber row = Find(text, hash);
  if (row == kNone) {
    row = TakeRow();
    Slot& slot = slots_[row];
    slot.error = slot.count;
    slot.duplicates = 0;
    slot.hash = hash;
    slot.text_bytes = static_cast<std::uint32_t>(text.size());
    text.copy(texts_[row].data(), kTextBytesMax);
    Link(row);
  }
  ++slots_[row].count;
  slots_[row].duplicates += is_duplicate ? 1 : 0;
}

std::vector<TopList::Row> TopList::Top(std::size_t rows_max) const {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < filled_; ++i) {
    const Slot& slot = slots_[i];
    const std::string_view text(texts_[i].data(), std::min<std::size_t>(slot.text_bytes, kTextBytesMax));
    rows.push_back({slot.text_bytes > kTextBytesMax ? Cut(text) : std::string(text), slot.count - slot.error,
                    slot.duplicates, slot.error});
  }
  std::ranges::sort(
      rows, [](const Row& a, const Row& b) { return a.events != b.events ? a.events > b.events : a.text < b.text; });
  rows.resize(std::min(rows.size(), rows_max));
  return rows;
}

}  // namespace dedup
