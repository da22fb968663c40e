#include "plugin/core/start/damaged_database.h"

#include <algorithm>
#include <string_view>

#include "plugin/core/index/index.h"
#include "plugin/core/store/from_bytes.h"

namespace dedup {
namespace {

using Record = PageReader::Record;

// One that holds no page: SQLite's locks lie there.
constexpr std::uint64_t kLockByte = 1 << 30;

constexpr std::string_view kSchemaShape = "tttit";
constexpr std::string_view kTopicShape = "0t";
constexpr std::string_view kTopicNameShape = "ti";  // of the index by name
constexpr std::string_view kRuleShape = "0ti";
constexpr std::string_view kRuleNameShape = "tii";
constexpr std::string_view kRuleKeyShape = "iiib";
// What newer schemas have behind these may be missing.
constexpr std::string_view kStateShape = "0iiiiiiii";
constexpr std::string_view kInDoubtShape = "0iib";
constexpr std::string_view kKeyFileShape = "0i";
constexpr std::string_view kEventShape = "0itiii";
constexpr std::size_t kRuleColumn = 8;
constexpr std::size_t kSyncedColumn = 9;
constexpr std::size_t kLostColumn = 10;

std::uint64_t Unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

bool IsSeq(std::int64_t value) { return value > 0 && Unsigned(value) <= Index::kSeqMax; }

bool IsNullOr(char type, char expected) { return type == expected || type == '0'; }

// Of schema 1 without a source, before schema 6 without a rule.
bool IsEvent(const Record& record) {
  const std::string_view shape = record.shape;
  if (!shape.starts_with(kEventShape) || !IsSeq(record.rowid)) return false;
  // All zeros where a page is that a payload has run on to.
  if (shape.size() == kRuleColumn + 1 && shape.back() == 'i' && record.columns[kRuleColumn].integer == 0) return false;
  const std::string_view rest = shape.substr(kEventShape.size());
  return rest == "b" || (rest.size() >= 2 && rest.size() <= 3 && IsNullOr(rest[0], 't') && rest[1] == 'b' &&
                         (rest.size() == 2 || IsNullOr(rest[2], 'i')));
}

// The index by id has had three forms, each with one text among at least three numbers, the last of which is the seq.
bool IsOfIdIndex(const Record& record) {
  const std::string_view shape = record.shape;
  return shape.size() >= 4 && shape.size() <= 5 && std::ranges::count(shape, 't') == 1 &&
         std::ranges::count(shape, 'i') == static_cast<std::ptrdiff_t>(shape.size()) - 1 && shape.back() == 'i' &&
         IsSeq(record.columns.back().integer);
}

DamagedDatabase::Row RowOf(const Record& record) {
  const auto columns = record.columns;
  const bool has_source = columns.size() > 7;
  DamagedDatabase::Row row{.seq = Unsigned(record.rowid),
                           .topic_id = columns[1].integer,
                           .event_id = columns[2].bytes,
                           .expired = columns[3].integer,
                           .received_us = columns[4].integer,
                           .accepted_ms = columns[5].integer,
                           .payload = columns[has_source ? 7 : 6].bytes,
                           .rule_id = std::nullopt};
  if (columns.size() > kRuleColumn && columns[kRuleColumn].type != ColumnValue::Type::kNull) {
    row.rule_id = columns[kRuleColumn].integer;
  }
  return row;
}

StoreState StateOf(const Record& record) {
  const auto number = [&](std::size_t column) { return Unsigned(record.columns[column].integer); };
  return {.stored_seq = number(1),
          .forgotten_seq = number(2),
          .skipped_seqs = number(3),
          .counters = {.duplicates = number(4),
                       .passed = number(5),
                       .refused = number(6),
                       .invalid_ids = number(7),
                       .unstored = number(8),
                       .lost = record.columns.size() > kLostColumn ? number(kLostColumn) : 0}};
}

bool IsState(const Record& record) {
  return record.shape.starts_with(kStateShape) && record.shape.size() <= kLostColumn + 1 && record.rowid == 1 &&
         std::ranges::all_of(record.columns.subspan(1), [](const ColumnValue& value) { return value.integer >= 0; });
}
static_assert(kStateShape.size() == kSyncedColumn);

void TakeTopic(const Record& record, DamagedDatabase::Small* small) {
  if (record.shape == kTopicShape) small->topics.emplace(record.rowid, record.columns[1].bytes);
}

void TakeRule(const Record& record, DamagedDatabase::Small* small) {
  if (record.shape != kRuleShape) return;
  small->rules.try_emplace(record.rowid, std::string(record.columns[1].bytes), record.columns[2].integer != 0);
}

void TakeState(const Record& record, DamagedDatabase::Small* small) {
  if (!small->state && IsState(record)) small->state = StateOf(record);
}

void TakeInDoubt(const Record& record, DamagedDatabase::Small* small) {
  const std::string_view shape = record.shape;
  const auto columns = record.columns;
  if (!shape.starts_with(kInDoubtShape) || shape.size() > 5 || !IsSeq(record.rowid)) return;
  const bool has_payload = shape.size() == 5 && shape[4] == 'b';
  small->in_doubt.try_emplace(
      Unsigned(record.rowid), static_cast<std::uint8_t>(columns[1].integer), columns[2].integer != 0,
      std::string(columns[3].bytes),
      has_payload ? std::optional<std::string>(columns[4].bytes) : std::optional<std::string>());
}

void TakeKeyFile(const Record& record, DamagedDatabase::Small* small) {
  const std::string_view shape = record.shape;
  if (small->keys_seq || record.rowid != 1 || !shape.starts_with(kKeyFileShape)) return;
  if (shape != kKeyFileShape && (shape.size() != 3 || !IsNullOr(shape[2], 'b'))) return;
  small->keys_seq = Unsigned(std::max<std::int64_t>(record.columns[1].integer, 0));
  if (shape.size() == 3) small->secret = FromBytes<HashSecret>(record.columns[2].bytes);
}

struct SmallTable {
  const char* name;
  void (*take)(const Record& record, DamagedDatabase::Small* small);
};
constexpr SmallTable kSmallTables[] = {{"topics", TakeTopic},
                                       {"rules", TakeRule},
                                       {"state", TakeState},
                                       {"in_doubt", TakeInDoubt},
                                       {"key_file", TakeKeyFile}};

bool IsOurs(std::string_view table) {
  return table == "events" || table == "times" || table == "rule_keys" || table.starts_with("sqlite_") ||
         std::ranges::any_of(kSmallTables, [&](const SmallTable& small) { return table == small.name; });
}

}  // namespace

DamagedDatabase::DamagedDatabase(const std::filesystem::path& path)
    : pages_(path), reader_(pages_), is_free_(pages_.FreePages()), is_foreign_(pages_.count() + std::size_t{1}) {
  ReadSchema();
  FindForeignPages();
}

void DamagedDatabase::ReadSchema() {
  Walk(1, [this](const Record& record) {
    if (record.shape != kSchemaShape && record.shape != "ttti0") return;  // an index of SQLite's own has no SQL
    const std::int64_t root = record.columns[3].integer;
    if (root > 1 && root <= pages_.count()) {
      roots_.try_emplace(std::string(record.columns[1].bytes), static_cast<std::uint32_t>(root),
                         std::string(record.columns[2].bytes));
    }
  });
}

// Shows the records of a table or an index, as far as its pages have not been seen. Returns whether all these could be
// read. on_record: may be empty, and then no page that a record runs on to is read.
bool DamagedDatabase::Walk(std::uint32_t root, const OnRecord& on_record, std::vector<bool>* seen) {
  bool is_whole = true;
  std::vector<std::uint32_t> waiting;
  const auto add = [&](std::uint32_t number) {
    if (number >= seen->size()) {
      is_whole = false;
    } else if (!(*seen)[number]) {
      (*seen)[number] = true;
      waiting.push_back(number);
    }
  };
  for (add(root); !waiting.empty();) {
    const std::uint32_t number = waiting.back();
    waiting.pop_back();
    if (reader_.Read(number) == PageKind::kOther) {
      is_whole = false;
      continue;
    }
    std::ranges::for_each(reader_.Children(), add);
    if (on_record) reader_.ForEachRecord(on_record);
  }
  return is_whole;
}

bool DamagedDatabase::Walk(std::uint32_t root, const OnRecord& on_record) {
  std::vector<bool> seen(pages_.count() + std::size_t{1});
  return Walk(root, on_record, &seen);
}

// Those that only somebody else's table leads to: a damaged page of theirs may lead to ours. To walk through all that
// are ours takes time, and seldom has anybody added a table.
void DamagedDatabase::FindForeignPages() {
  const auto is_ours = [](const auto& root) { return IsOurs(root.second.table); };
  if (std::ranges::all_of(roots_, is_ours)) return;
  std::vector<bool> seen(is_foreign_.size());
  for (const auto& [name, root] : roots_) {
    if (IsOurs(root.table)) Walk(root.page, {}, &seen);
  }
  const std::vector<bool> ours = seen;
  for (const auto& [name, root] : roots_) {
    if (!IsOurs(root.table))
      Walk(
          root.page, [](const Record&) {}, &seen);
  }
  for (std::size_t number = 0; number < seen.size(); ++number) is_foreign_[number] = seen[number] && !ours[number];
}

// What a table's own root leads to comes first; then what no root leads to, which its columns tell.
DamagedDatabase::Small DamagedDatabase::ReadSmall() {
  Small small;
  std::vector<bool> is_taken = is_foreign_;
  for (const SmallTable& table : kSmallTables) {
    const auto root = roots_.find(table.name);
    if (root == roots_.end()) continue;
    std::vector<bool> seen = is_foreign_;  // not what another small table has: its root may be the damaged one
    Walk(
        root->second.page, [&](const Record& record) { table.take(record, &small); }, &seen);
    for (std::size_t number = 0; number < seen.size(); ++number) is_taken[number] = is_taken[number] || seen[number];
  }
  for (std::uint32_t number = 1; number <= pages_.count(); ++number) {
    if (is_free_[number] || is_taken[number] || reader_.Read(number) != PageKind::kTableLeaf) continue;
    reader_.ForEachRecord([&](const Record& record) {
      for (const SmallTable& table : kSmallTables) table.take(record, &small);
    });
  }
  ReadNames(&small);
  if (roots_.empty()) small.damaged_tables.emplace_back("sqlite_schema");
  for (const auto& [name, root] : roots_) {
    const bool is_index = name.starts_with("sqlite_") || name.starts_with("events_by_");
    if (is_index || name == "events" || name == "times") continue;
    if (!Walk(root.page, [](const Record&) {})) small.damaged_tables.push_back(name);
  }
  return small;
}

// Topics and rules are found by name too, in indexes that hold all that their tables do.
void DamagedDatabase::ReadNames(Small* small) {
  const auto walk_index = [this](const char* name, const OnRecord& on_record) {
    if (const auto root = roots_.find(name); root != roots_.end()) Walk(root->second.page, on_record);
  };
  walk_index("sqlite_autoindex_topics_1", [&](const Record& record) {
    if (record.shape == kTopicNameShape) small->topics.emplace(record.columns[1].integer, record.columns[0].bytes);
  });
  walk_index("sqlite_autoindex_rules_1", [&](const Record& record) {
    if (record.shape != kRuleNameShape) return;
    small->rules.try_emplace(record.columns[2].integer, std::string(record.columns[0].bytes),
                             record.columns[1].integer != 0);
  });
}

SeqRanges DamagedDatabase::ForEachRow(const std::function<void(const Row&)>& on_row,
                                      const std::function<void(const RuleKey&)>& on_key) {
  SeqRanges rows;
  SeqRanges known;
  const auto take = [&](const Record& record) {
    if (IsEvent(record)) {
      rows.Add(Unsigned(record.rowid));
      on_row(RowOf(record));
    }
  };
  const auto take_of_index = [&](const Record& record) {
    if (IsOfIdIndex(record)) {
      known.Add(Unsigned(record.columns.back().integer));
    } else if (record.shape == kRuleKeyShape && IsSeq(record.columns[1].integer)) {
      const std::optional<KeyHash> key = FromBytes<KeyHash>(record.columns[3].bytes);
      if (!key) return;
      on_key({.window_ms = record.columns[0].integer,
              .seq = Unsigned(record.columns[1].integer),
              .accepted_ms = record.columns[2].integer,
              .key = *key});
    }
  };
  for (std::uint32_t number = 1; number <= pages_.count(); ++number) {
    if (is_free_[number] || is_foreign_[number]) continue;
    const PageKind kind = reader_.Read(number);
    if (kind == PageKind::kTableLeaf) reader_.ForEachRecord(take);
    if (kind == PageKind::kIndexLeaf || kind == PageKind::kIndexInterior) reader_.ForEachRecord(take_of_index);
  }
  // A damaged list of free pages may name some that are not free.
  const SeqRanges missing = known.Without(rows);
  for (std::uint32_t number = 1; !missing.empty() && number <= pages_.count(); ++number) {
    if (!is_free_[number] || is_foreign_[number] || reader_.Read(number) != PageKind::kTableLeaf) continue;
    reader_.ForEachRecord([&](const Record& record) {
      if (IsEvent(record) && missing.Contains(Unsigned(record.rowid))) take(record);
    });
  }
  return known;
}

bool DamagedDatabase::IsLockPage(std::uint32_t number) const { return number == kLockByte / pages_.page_bytes() + 1; }

std::uint64_t DamagedDatabase::UnreadablePages() const {
  std::uint64_t count = 0;
  for (std::uint32_t number = 1; number <= pages_.count(); ++number) {
    if (!is_free_[number] && !reader_.IsUsed(number) && !IsLockPage(number)) ++count;
  }
  return count;
}

}  // namespace dedup
