// The records that stand on a page of a database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/store/database_pages.h"

namespace dedup {

/// What a record has in a column.
struct ColumnValue {
  enum class Type : char { kNull = '0', kInteger = 'i', kReal = 'r', kText = 't', kBlob = 'b' };
  Type type = Type::kNull;
  std::int64_t integer = 0;
  std::string_view bytes;  ///< of text and blob
};

enum class PageKind : std::uint8_t {
  kOther = 0,
  kIndexInterior = 2,
  kTableInterior = 5,
  kIndexLeaf = 10,
  kTableLeaf = 13
};

/// Reads the b-tree pages of a database one by one, so that a damaged one is in no other's way. Bytes that are no
/// record are passed over.
///
/// Threading: one thread at a time. Ownership: refers to the pages. Errors: std::bad_alloc.
class PageReader {
 public:
  explicit PageReader(const DatabasePages& pages) : pages_(pages), is_used_(pages.count() + std::size_t{1}) {}

  /// Reads a page. kOther: it is none of a b-tree, cannot be read, or is too damaged to have records.
  PageKind Read(std::uint32_t number);

  /// A record of the page that was read last, valid while it is shown. `rowid`: of a table.
  struct Record {
    std::int64_t rowid = 0;
    std::span<const ColumnValue> columns;
    /// The columns' types, one letter each: "0tii".
    std::string_view shape;
  };
  /// Calls on_record for each that is whole, with the pages that it runs on to.
  void ForEachRecord(const std::function<void(const Record&)>& on_record);
  /// The pages below the one that was read last.
  std::vector<std::uint32_t> Children() const;

  /// Whether a page has been read as one of a b-tree, or as what a record runs on to.
  bool IsUsed(std::uint32_t number) const { return is_used_[number]; }

 private:
  std::optional<std::string_view> PayloadOf(std::string_view cell, std::uint64_t bytes);
  bool Decode(std::string_view payload);
  std::string_view CellAt(std::size_t number) const;

  const DatabasePages& pages_;
  std::vector<bool> is_used_;
  PageKind kind_ = PageKind::kOther;
  std::size_t header_offset_ = 0;
  std::size_t cell_count_ = 0;
  std::string page_;
  std::string overflow_page_;
  std::string payload_;  // of a record that runs on to other pages
  std::vector<ColumnValue> columns_;
  std::string shape_;
};

}  // namespace dedup
