// The most frequent of endlessly many texts, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

/// Counts events by a text, a topic say: Space-Saving (Metwally, Agrawal, El Abbadi, 2005).
///
/// A text that has no row gets a free one or, when there is none, that of the rarest text and with it that one's count,
/// as its error: so many events of its own may have come before. So whatever makes up more than one in kRows of all
/// events surely has a row, and of each row it is known how far it may be wrong.
///
/// Memory: 20 KB. Threading: one thread. Errors: none; Count() never allocates.
class TopList {
 public:
  static constexpr std::size_t kRows = 64;
  /// Of longer texts only the beginning is kept; they are still told apart.
  static constexpr std::size_t kTextBytesMax = 256;

  struct Row {
    std::string text;          ///< UTF-8 if what was counted is; "…" at the end of one that was longer
    std::uint64_t events;      ///< surely; at most `error` more
    std::uint64_t duplicates;  ///< of the events; surely, and at most `error` more
    std::uint64_t error;
  };

  TopList();

  void Count(std::string_view text, bool is_duplicate) noexcept;

  /// Those with the most events, first things first; at most so many.
  std::vector<Row> Top(std::size_t rows_max) const;

 private:
  using RowNumber = std::uint8_t;
  static constexpr RowNumber kNone = kRows;
  static constexpr std::size_t kBuckets = 2 * kRows;

  struct Slot {
    std::uint64_t count;       // with the error in it
    std::uint64_t error;       // inherited with the row
    std::uint64_t duplicates;  // since then
    std::uint32_t hash;
    std::uint32_t text_bytes;  // of the whole text
    RowNumber next;            // of the same bucket
  };

  RowNumber Find(std::string_view text, std::uint32_t hash) const;
  RowNumber TakeRow();
  void Unlink(RowNumber row);
  void Link(RowNumber row);

  std::size_t filled_ = 0;  // rows in use, the first ones
  std::uint64_t least_ = 0;
  std::size_t cursor_ = kRows;  // when all rows are in use: those before it have more than least_
  std::array<RowNumber, kBuckets> buckets_;
  std::array<Slot, kRows> slots_;
  std::array<std::array<char, kTextBytesMax>, kRows> texts_;
};

}  // namespace dedup
