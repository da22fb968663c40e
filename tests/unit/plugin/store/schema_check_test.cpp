// Databases that a stranger has made, or made something of: refused, and left byte for byte as they were.
#include "plugin/core/store/schema_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "plugin/core/store/event_reader.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// As somebody with the sqlite3 shell does it; all is in the main file then.
void RunAsAStranger(const std::filesystem::path& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_free(error);
  sqlite3_close(database);
}

Event MakeEvent(std::uint64_t seq) {
  return {.seq = seq, .accepted = {}, .topic = "t", .event_id = "a", .properties = {}, .payload = "{}"};
}

struct Poison {
  const char* name;
  const char* sql;
  const char* named;  // in the error
};

/// Copies of ALTER TABLE's restrictions apply, so a table is often exchanged as a whole.
constexpr Poison kPoisons[] = {
    {"Trigger", "CREATE TRIGGER t AFTER INSERT ON events BEGIN UPDATE state SET passed = 666; END",
     "it has the trigger \"t\""},
    {"TriggerOnAnotherTable", "CREATE TABLE x(y); CREATE TRIGGER t AFTER INSERT ON x BEGIN DELETE FROM events; END",
     "it has the trigger \"t\""},
    {"ViewInPlaceOfATable", "DROP TABLE topics; CREATE VIEW topics AS SELECT 1 AS topic_id, 'x' AS topic",
     "its view \"topics\" is another one"},
    {"VirtualTableInPlaceOfATable", "DROP TABLE times; CREATE VIRTUAL TABLE times USING fts5(block)",
     "its table \"times\" is another one"},
    {"ExpressionIndex", "CREATE INDEX i ON events(abs(seq))", "it has the index \"i\""},
    {"PartialIndex", "CREATE INDEX i ON events(seq) WHERE length(hex(payload)) > 3", "it has the index \"i\""},
    {"UniqueIndex", "CREATE UNIQUE INDEX i ON events(topic_id, expired, seq)", "it has the index \"i\""},
    {"PartialIndexByAPattern", "CREATE INDEX i ON events(seq) WHERE event_id LIKE '%a%b%c%'", "it has the index \"i\""},
    {"IndexInAnOrderOfOnesOwn",
     "CREATE INDEX i ON topics(topic COLLATE NOCASE); PRAGMA writable_schema = ON;"
     "UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'mine') WHERE name = 'i'",
     "it has the index \"i\""},
    {"AnotherIndexUnderOurName", "DROP INDEX events_by_topic; CREATE INDEX events_by_topic ON events(topic_id, seq)",
     "its index \"events_by_topic\" is another one"},
    {"GeneratedColumn", "ALTER TABLE state ADD COLUMN g INTEGER AS (abs(passed))",
     "its table \"state\" is another one"},
    {"DefaultThatComputes",
     "DROP TABLE in_doubt; CREATE TABLE in_doubt(seq INTEGER PRIMARY KEY, qos, retain, properties "
     "DEFAULT (randomblob(9)), payload BLOB)",
     "its table \"in_doubt\" is another one"},
    {"CheckThatComputes", "ALTER TABLE state ADD COLUMN c INTEGER CHECK(abs(c) < 9)",
     "its table \"state\" is another one"},
    {"OneTableLess", "DROP TABLE rule_keys", "it lacks \"rule_keys\""},
    {"OneIndexLess", "DROP INDEX events_by_source", "it lacks \"events_by_source\""},
    {"TablesOfSomethingElse",
     "DROP VIEW readable_events; DROP TABLE events; DROP TABLE topics; CREATE TABLE somebodys(x)", "it lacks \"events"},
};

class PoisonTest : public testing::TestWithParam<Poison> {
 protected:
  PoisonTest() {
    Store store(path_);
    Store::Batch batch(store, Store::Durability::kSynced);
    batch.Insert(MakeEvent(1));
    batch.Commit();
    store.Checkpoint();
  }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / Store::kFileName;
};

TEST_P(PoisonTest, IsRefusedAndLeftAsItIs) {
  for (const char* const mode : {"DELETE", "WAL"}) {
    RunAsAStranger(path_, std::string("PRAGMA journal_mode = ") + mode);
    if (mode == std::string("DELETE")) RunAsAStranger(path_, GetParam().sql);
    const std::string bytes = ReadFile(path_);
    const auto refusal =
        testing::ThrowsMessage<StorageError>(AllOf(HasSubstr(path_.string()), HasSubstr(GetParam().named)));
    EXPECT_THAT([&] { Store{path_}; }, refusal) << mode;
    EXPECT_THAT(
        [&] {
          sqlite::Database database(path_, sqlite::Database::Mode::kReadOnly);
          CheckSchema(database);
        },
        refusal)
        << mode;
    EXPECT_EQ(ReadFile(path_), bytes) << mode;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PoisonTest, testing::ValuesIn(kPoisons),
                         [](const auto& poison) { return std::string(poison.param.name); });

class SchemaCheckTest : public testing::Test {
 protected:
  void Open() const { Store{path_}; }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / Store::kFileName;
};

TEST_F(SchemaCheckTest, WhatIsInTheWalStaysThereToo) {
  Open();
  RunAsAStranger(path_, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM topics; END");
  sqlite3* database = nullptr;  // its end would bring the WAL into the main file
  ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
  sqlite3_exec(database, "CREATE TABLE somebodys(x)", nullptr, nullptr, nullptr);
  const std::filesystem::path copy = dir_ / "copy.db";
  std::filesystem::copy_file(path_, copy);
  std::filesystem::copy_file(path_.string() + "-wal", copy.string() + "-wal");
  sqlite3_close(database);
  const std::string bytes = ReadFile(copy), wal = ReadFile(copy.string() + "-wal");
  ASSERT_FALSE(wal.empty());
  EXPECT_THROW(Store{copy}, StorageError);
  EXPECT_EQ(ReadFile(copy), bytes);
  EXPECT_EQ(ReadFile(copy.string() + "-wal"), wal);
}

TEST_F(SchemaCheckTest, OlderDatabasesAreLookedAtBeforeTheyAreMigrated) {
  for (int version = 1; version < kSchemaVersion; ++version) {
    std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-" + std::to_string(version) + ".db", path_,
                               std::filesystem::copy_options::overwrite_existing);
    RunAsAStranger(path_, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM topics; END");
    const std::string bytes = ReadFile(path_);
    EXPECT_THROW(Open(), StorageError) << version;
    EXPECT_EQ(ReadFile(path_), bytes) << version;
  }
}

TEST_F(SchemaCheckTest, WhatHarmsNobodyMayBeAdded) {
  Open();
  RunAsAStranger(path_,
                 "CREATE INDEX mine ON events(received_us, seq); CREATE INDEX newest ON events(topic_id, seq DESC);"
                 "CREATE INDEX [of others] ON topics([topic] COLLATE nocase ASC);"
                 "create index \"some\" on events(`received_us`) where source is not null and source != 'a, (b)';"
                 "CREATE TABLE notes(x); INSERT INTO notes VALUES(1);"
                 "CREATE VIEW mine_too AS SELECT count(*) FROM readable_events; ANALYZE");
  EXPECT_NO_THROW(Open());
  sqlite::Database database(path_, sqlite::Database::Mode::kReadOnly);
  EXPECT_NO_THROW(CheckSchema(database));
}

TEST_F(SchemaCheckTest, ATriggerThatComesLaterDoesNotRun) {
  Store store(path_);
  RunAsAStranger(path_,
                 "CREATE TRIGGER t AFTER INSERT ON events BEGIN INSERT INTO topics(topic) VALUES('poison'); END");
  {
    Store::Batch batch(store, Store::Durability::kVisible);
    EXPECT_TRUE(batch.Insert(MakeEvent(1)));
    batch.Commit();
  }
  sqlite::Database database(path_, sqlite::Database::Mode::kReadOnly);
  EXPECT_EQ(database.QueryInteger("SELECT count(*) FROM topics"), 1);
}

TEST_F(SchemaCheckTest, ViewsAndFunctionsThatReachOutDoNotRunInOurConnections) {
  Open();
  for (const auto mode : {sqlite::Database::Mode::kReadOnly, sqlite::Database::Mode::kReadWriteCreate}) {
    sqlite::Database database(path_, mode);
    EXPECT_THROW(database.QueryInteger("SELECT count(*) FROM readable_events"), StorageError);
    EXPECT_THROW(database.Execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"), StorageError);
  }
}

TEST_F(SchemaCheckTest, TheFileMayBeNoLinkButItsDirectoryMay) {
  Open();
  const std::filesystem::path link = dir_ / "link", elsewhere = dir_ / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  std::filesystem::create_directory_symlink(dir_.path(), link);
  EXPECT_NO_THROW(Store{link / Store::kFileName});
  const auto refusal = testing::ThrowsMessage<StorageError>(HasSubstr("symbolic link"));
  std::filesystem::create_symlink(path_, elsewhere / Store::kFileName);
  EXPECT_THAT([&] { Store{elsewhere / Store::kFileName}; }, refusal);
  std::filesystem::remove(elsewhere / Store::kFileName);
  std::filesystem::create_symlink(dir_ / "victim", elsewhere / Store::kFileName);
  EXPECT_THAT([&] { Store{elsewhere / Store::kFileName}; }, refusal);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "victim")) << "nothing is made where it leads";
}

}  // namespace
}  // namespace dedup
