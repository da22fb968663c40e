// What stands in a damaged database, found page by page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/key.h"
#include "plugin/core/start/seq_ranges.h"
#include "plugin/core/store/page_records.h"
#include "plugin/core/store/store.h"

namespace dedup {

/// Reads a database of any schema without SQLite. Which table a record is of is told by the columns that it has, so
/// that neither a damaged schema nor a damaged page above takes it away. Only pages that a table of somebody else's
/// leads to are left out, whatever stands on them.
///
/// A publisher cannot make up such a record in a payload: the pages that a long one runs on to begin with the number of
/// the next, and a page of a table with 13, which no page has as the first byte of its number in less than 800 GB.
///
/// Threading: one thread at a time. Errors: StorageError, where the file cannot be opened.
class DamagedDatabase {
 public:
  explicit DamagedDatabase(const std::filesystem::path& path);

  /// All but the events and the keys of rules, in the order of their pages.
  struct Small {
    struct Rule {
      std::string name;
      bool keeps_payload = true;
    };
    struct InDoubt {
      std::uint8_t qos = 0;
      bool retain = false;
      std::string properties;
      std::optional<std::string> payload;
    };
    std::map<std::int64_t, std::string> topics;
    std::map<std::int64_t, Rule> rules;
    std::map<std::uint64_t, InDoubt> in_doubt;
    std::optional<StoreState> state;
    std::optional<std::uint64_t> keys_seq;
    std::optional<HashSecret> secret;
    std::vector<std::string> damaged_tables;
  };
  Small ReadSmall();

  /// A row of the table events, valid while it is shown.
  struct Row {
    std::uint64_t seq;
    std::int64_t topic_id;
    std::string_view event_id;
    std::int64_t expired;
    std::int64_t received_us;
    std::int64_t accepted_ms;
    std::string_view payload;
    std::optional<std::int64_t> rule_id;
  };
  /// Calls on_row and on_key for each row and each key that can be read. A page that is said to be free is read only
  /// for rows that are missing otherwise. Returns the seqs of the rows that the index by id knows.
  SeqRanges ForEachRow(const std::function<void(const Row&)>& on_row,
                       const std::function<void(const RuleKey&)>& on_key);

  /// After both: pages that are neither free nor understood.
  std::uint64_t UnreadablePages() const;

 private:
  using OnRecord = std::function<void(const PageReader::Record&)>;
  struct Root {
    std::uint32_t page;
    std::string table;  // of an index, too
  };
  bool Walk(std::uint32_t root, const OnRecord& on_record, std::vector<bool>* seen);
  bool Walk(std::uint32_t root, const OnRecord& on_record);
  void ReadSchema();
  void FindForeignPages();
  void ReadNames(Small* small);
  bool IsLockPage(std::uint32_t number) const;

  DatabasePages pages_;
  PageReader reader_;
  const std::vector<bool> is_free_;
  std::map<std::string, Root> roots_;  // of tables and indexes, by name
  std::vector<bool> is_foreign_;       // by number: of a table that somebody added
};

}  // namespace dedup
