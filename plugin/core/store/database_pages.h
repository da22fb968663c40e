// A database's pages without SQLite, which gives up a whole table for a damaged page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugin/core/base/file.h"

namespace dedup {

/// The pages of a database as its last commit has left them, the WAL's before the main file's. Nothing is written, not
/// even beside it. The format: SQLite's "Database File Format", https://www.sqlite.org/fileformat2.html.
///
/// Threading: one thread at a time. Errors: StorageError where a file cannot be opened; a page that cannot be read is
/// none.
class DatabasePages {
 public:
  explicit DatabasePages(const std::filesystem::path& path);

  /// They are numbered from 1 on.
  std::uint32_t count() const { return count_; }
  std::size_t page_bytes() const { return page_bytes_; }
  /// Of each page, from its beginning: all of it. A header may reserve bytes at the end of each; ours never do, and in a
  /// damaged one that is not believed, for each record that runs on to other pages would be sought elsewhere.
  std::size_t usable_bytes() const { return page_bytes_; }
  /// False where there is no such page.
  bool Read(std::uint32_t number, std::string* page) const;
  /// By number: those that hold nothing, as far as that can be read.
  std::vector<bool> FreePages() const;

 private:
  void ReadHeader();
  void ReadWal(const std::filesystem::path& path);

  File file_;
  std::optional<File> wal_;
  std::unordered_map<std::uint32_t, std::size_t> wal_offsets_;  // of pages, by number
  std::size_t page_bytes_;
  std::uint32_t count_;
};

}  // namespace dedup
