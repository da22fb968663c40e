#include "plugin/core/store/schema_check.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

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
    if (IsBlank(sql[i]) || sql[i] == '"') {
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

// An index that somebody added so that queries of their own are fast: names of columns, and nothing that is computed,
// left out or held to be unique.
bool IsPlainIndex(std::string_view condensed) {
  constexpr std::string_view kBegin = "CREATE INDEX ";
  if (!condensed.starts_with(kBegin) || !condensed.ends_with(')')) return false;
  condensed.remove_prefix(kBegin.size());
  condensed.remove_suffix(1);
  const std::size_t columns = condensed.find('(');
  if (columns == std::string_view::npos) return false;
  return std::ranges::all_of(condensed.substr(columns + 1), [](char c) { return IsOfWord(c) || c == ','; });
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
