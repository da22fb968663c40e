#include "plugin/core/store/schema_check.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/base/errors.h"
#include "plugin/core/store/schema.h"
#include "plugin/core/store/tables.h"

namespace dedup {
namespace {

// What no table of tables.h shows any more.
constexpr char kFirstEvents[] = R"sql(
CREATE TABLE events(seq INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL REFERENCES topics(topic_id),
  event_id TEXT NOT NULL, expired INTEGER NOT NULL DEFAULT 0, received_us INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL, payload BLOB NOT NULL, UNIQUE(topic_id, event_id, expired)) STRICT)sql";
constexpr char kFirstIdIndex[] = "CREATE UNIQUE INDEX events_by_id ON events(event_id, topic_id, expired)";
constexpr char kStateWithoutSynced[] = R"sql(
CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), stored_seq INTEGER NOT NULL,
  forgotten_seq INTEGER NOT NULL, skipped_seqs INTEGER NOT NULL, duplicates INTEGER NOT NULL, passed INTEGER NOT NULL,
  refused INTEGER NOT NULL, invalid_ids INTEGER NOT NULL, unstored INTEGER NOT NULL) STRICT)sql";

bool IsBlank(char c) { return std::string_view(" \t\r\n").find(c) != std::string_view::npos; }

bool IsOfWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// SQL without its comments and without quotes around names, which a table gets that was renamed, and with a blank only
// where two words meet. Texts in it are left as they are.
std::string Condensed(std::string_view sql) {
  std::string condensed;
  bool is_apart = false;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size());
      is_apart = true;
      continue;
    }
    if (IsBlank(sql[i]) || std::string_view("\"`[]").find(sql[i]) != std::string_view::npos) {
      is_apart = true;
      continue;
    }
    if (is_apart && !condensed.empty() && IsOfWord(condensed.back()) && IsOfWord(sql[i])) condensed.push_back(' ');
    is_apart = false;
    const std::size_t begin = i;
    if (sql[i] == '\'') i = std::min(sql.find('\'', i + 1), sql.size() - 1);
    condensed.append(sql.substr(begin, i - begin + 1));
  }
  return condensed;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

// The words of condensed SQL that holds nothing but words and `others`. Nothing where there is more.
std::optional<std::vector<std::string>> WordsOf(std::string_view condensed, std::string_view others) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < condensed.size(); ++i) {
    const char c = condensed[i];
    if (IsOfWord(c)) {
      words.back().push_back(c);
    } else if (c == ' ' || others.find(c) != std::string_view::npos) {
      words.emplace_back();
      if (c == '\'') i = std::min(condensed.find('\'', i + 1), condensed.size());
    } else {
      return std::nullopt;
    }
  }
  for (std::string& word : words) word = UpperCase(word);
  return words;
}

// Names, in SQLite's own orders. Of another order SQLite would ask us for the function.
bool ArePlainColumns(std::string_view condensed) {
  const auto words = WordsOf(condensed, ",");
  if (!words) return false;
  for (std::size_t i = 0; i + 1 < words->size(); ++i) {
    const std::string& order = (*words)[i + 1];
    if ((*words)[i] == "COLLATE" && order != "BINARY" && order != "NOCASE" && order != "RTRIM") return false;
  }
  return true;
}

// Comparisons: nothing that calls a function, which may fail or take its time.
bool IsPlainCondition(std::string_view condensed) {
  const auto words = WordsOf(condensed, "=<>!'");
  constexpr std::string_view kFunctions[] = {"LIKE", "GLOB", "MATCH", "REGEXP"};
  return words && std::ranges::none_of(*words, [&](const std::string& word) {
           return std::ranges::find(kFunctions, word) != std::end(kFunctions);
         });
}

// An index that somebody added so that queries of their own are fast: names of columns, perhaps of some rows only, and
// nothing that is computed or held to be unique.
bool IsPlainIndex(std::string_view condensed) {
  if (!UpperCase(condensed).starts_with("CREATE INDEX ")) return false;
  const std::size_t columns = condensed.find('('), end = condensed.find(')');
  if (columns == std::string_view::npos || end == std::string_view::npos || end < columns) return false;
  const std::string_view rest = condensed.substr(end + 1);
  return ArePlainColumns(condensed.substr(columns + 1, end - columns - 1)) &&
         (rest.empty() || (UpperCase(rest).starts_with("WHERE ") && IsPlainCondition(rest.substr(6))));
}

/// The SQL of tables and indexes by their names.
using Objects = std::map<std::string, std::set<std::string>, std::less<>>;

// `sql`: none for the index that a constraint brings with it, which stands in the table's.
template <class OnObject>
void ForEachObject(sqlite::Database& database, OnObject on_object) {
  sqlite::Statement rows(database, "SELECT type, name, tbl_name, sql FROM sqlite_schema");
  while (rows.Step()) on_object(rows.Bytes(0), rows.Bytes(1), rows.Bytes(2), rows.Bytes(3));
}

void Add(sqlite::Database& database, Objects* objects) {
  ForEachObject(database, [&](std::string_view type, std::string_view name, std::string_view, std::string_view sql) {
    if (type != "view" && !sql.empty()) (*objects)[std::string(name)].insert(Condensed(sql));
  });
}

Objects MakeTodaysObjects() {
  Objects objects;
  sqlite::Database database("the schema", sqlite::Database::Mode::kInMemory);
  PrepareSchema(database);
  Add(database, &objects);
  return objects;
}

Objects MakeOlderObjects() {
  Objects objects;
  sqlite::Database database("the older schemas", sqlite::Database::Mode::kInMemory);
  for (const char* const tables : {kFixedTables, kStateTable, kEventTables, kIndexes, kKeyTable, kIdIndex}) {
    database.Execute(tables);
  }
  Add(database, &objects);
  objects["events"].insert(Condensed(kFirstEvents));
  objects["events_by_id"].insert(Condensed(kFirstIdIndex));
  objects["state"].insert(Condensed(kStateWithoutSynced));
  return objects;
}

// What every version has.
constexpr std::string_view kNeeded[] = {"events", "topics", "state", "in_doubt"};

}  // namespace

void CheckSchema(sqlite::Database& database) {
  static const Objects todays = MakeTodaysObjects(), older = MakeOlderObjects();
  const bool is_todays = database.QueryInteger("PRAGMA user_version") == kSchemaVersion;
  const Objects& ours = is_todays ? todays : older;
  const auto refuse = [&](const std::string& flaw) {
    throw StorageError("open", database.path(),
                       flaw + ", as no mosquitto-dedup makes it; nothing of the database was used or changed");
  };
  std::set<std::string, std::less<>> found;
  ForEachObject(database,
                [&](std::string_view type, std::string_view name, std::string_view table, std::string_view sql) {
                  const std::string shown = std::string(type) + " \"" + std::string(name) + "\"";
                  if (type == "trigger") refuse("it has the " + shown);
                  const auto known = ours.find(name);
                  if (known != ours.end() && known->second.contains(Condensed(sql))) {
                    found.emplace(name);
                  } else if (known != ours.end()) {
                    refuse("its " + shown + " is another one");
                  } else if (type == "index" && ours.contains(table) && !sql.empty() && !IsPlainIndex(Condensed(sql))) {
                    refuse("it has the " + shown);
                  }
                });
  const auto need = [&](std::string_view name) {
    if (!found.contains(name)) refuse("it lacks \"" + std::string(name) + "\"");
  };
  if (is_todays) {
    for (const auto& [name, sql] : todays) need(name);
  } else {
    std::ranges::for_each(kNeeded, need);
  }
}

}  // namespace dedup
