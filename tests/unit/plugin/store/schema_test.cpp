#include "plugin/core/store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// On a copy of a database that the first version wrote (events 1 and 2 expired, 6 in doubt), or a later one.
class SchemaTest : public testing::Test {
 protected:
  SchemaTest() { UseDatabaseOfVersion(1); }

  void UseDatabaseOfVersion(int version) {
    std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-" + std::to_string(version) + ".db", path_,
                               std::filesystem::copy_options::overwrite_existing);
  }

  sqlite::Database Open() { return {path_, sqlite::Database::Mode::kReadWriteCreate}; }
  void Execute(const char* sql) { Open().Execute(sql); }
  std::optional<Migration> Prepare() {
    sqlite::Database database = Open();
    return PrepareSchema(database);
  }
  std::vector<std::string> Column(const std::string& sql, int column = 0) {
    sqlite::Database database = Open();
    sqlite::Statement rows(database, sql.c_str());
    std::vector<std::string> values;
    while (rows.Step()) values.emplace_back(rows.Bytes(column));
    return values;
  }
  std::vector<std::string> PlanOf(const std::string& sql) { return Column("EXPLAIN QUERY PLAN " + sql, 3); }
  /// All that the tables of the first version hold.
  std::vector<std::string> Content() {
    std::vector<std::string> content = Column(
        "SELECT seq||' '||topic_id||' '||event_id||' '||expired||' '||received_us||' '||accepted_ms||' '||hex(payload) "
        "FROM events ORDER BY seq");
    for (const char* const sql :
         {"SELECT topic_id||' '||topic FROM topics",
          "SELECT seq||' '||qos||' '||retain||' '||hex(properties) FROM in_doubt",
          "SELECT stored_seq||' '||forgotten_seq||' '||skipped_seqs||' '||duplicates||' '||"
          "passed||' '||refused||' '||invalid_ids||' '||unstored||' '||synced FROM state",
          "SELECT seq||topic||event_id||hex(payload) FROM events JOIN topics USING(topic_id) ORDER BY seq"}) {
      for (std::string& value : Column(sql)) content.push_back(std::move(value));
    }
    return content;
  }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / "events.db";
};

TEST_F(SchemaTest, AMigrationKeepsAllAndAddsWhatIsNew) {
  const auto before = Content();
  const auto migration = Prepare();
  ASSERT_TRUE(migration);
  EXPECT_EQ(migration->from_version, 1);
  EXPECT_EQ(migration->event_count, 6U);
  EXPECT_EQ(Content(), before);
  EXPECT_THAT(Column("SELECT coalesce(source, 'none') FROM events ORDER BY seq"),
              ElementsAre("gateway-1", "none", "gateway-1", "café", "none", "none"));
  EXPECT_THAT(Column("SELECT block || ' ' || earliest_us || ' ' || latest_us FROM times"),
              ElementsAre("0 1795309062906632 1795309065910632"));
  EXPECT_THAT(Column("PRAGMA integrity_check"), ElementsAre("ok"));
  EXPECT_THAT(Column("PRAGMA foreign_key_check"), IsEmpty());
  EXPECT_FALSE(Prepare()) << "once is enough";
}

TEST_F(SchemaTest, EveryOlderVersionIsMigratedWhole) {
  for (int version = 1; version < kSchemaVersion; ++version) {
    UseDatabaseOfVersion(version);
    const auto before = Content();
    const auto migration = Prepare();
    ASSERT_TRUE(migration) << version;
    EXPECT_EQ(migration->from_version, version);
    if (migration->event_count) {
      EXPECT_EQ(std::to_string(*migration->event_count), Column("SELECT count(*) FROM events").front());
    }
    EXPECT_EQ(Content(), before) << version;
    EXPECT_THAT(Column("PRAGMA integrity_check"), ElementsAre("ok"));
  }
}

TEST_F(SchemaTest, AMigratedDatabaseLooksLikeANewOne) {
  constexpr char kSchemaSql[] = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  constexpr char kStatistics[] = "SELECT tbl || ' ' || idx || ' ' || stat FROM sqlite_stat1 ORDER BY idx";
  std::filesystem::remove(path_);
  EXPECT_FALSE(Prepare());
  const auto new_schema = Column(kSchemaSql);
  const auto new_statistics = Column(kStatistics);
  for (int version = 1; version < kSchemaVersion; ++version) {
    UseDatabaseOfVersion(version);
    EXPECT_TRUE(Prepare());
    EXPECT_EQ(Column(kSchemaSql), new_schema) << version;
    EXPECT_EQ(Column(kStatistics), new_statistics) << version;
  }
}

// Whoever changes the tables meets this one: it takes a new version, and a database of the old one to be migrated.
TEST_F(SchemaTest, TodaysTablesAreThoseOfTheirVersion) {
  constexpr char kSchemaSql[] = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  constexpr char kStatistics[] = "SELECT tbl || ' ' || idx || ' ' || stat FROM sqlite_stat1 ORDER BY idx";
  std::filesystem::remove(path_);
  Prepare();
  const auto schema = Column(kSchemaSql);
  const auto statistics = Column(kStatistics);
  UseDatabaseOfVersion(kSchemaVersion);
  EXPECT_EQ(Column(kSchemaSql), schema);
  EXPECT_EQ(Column(kStatistics), statistics);
}

TEST_F(SchemaTest, AColumnThatCameWithoutAVersionIsAdded) {
  constexpr char kSchemaSql[] = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  constexpr char kState[] =
      "SELECT one || ' ' || stored_seq || ' ' || forgotten_seq || ' ' || skipped_seqs || ' ' || duplicates || ' ' || "
      "passed || ' ' || refused || ' ' || invalid_ids || ' ' || unstored FROM state";
  std::filesystem::remove(path_);
  EXPECT_FALSE(Prepare());
  const auto new_schema = Column(kSchemaSql);
  for (int version = 1; version < kSchemaVersion; ++version) {
    UseDatabaseOfVersion(version);
    Execute(
        "UPDATE state SET forgotten_seq = 1, duplicates = 2, passed = 3, refused = 4, invalid_ids = 5, unstored = 6;"
        "ALTER TABLE state DROP COLUMN synced");
    const auto before = Column(kState);
    EXPECT_TRUE(Prepare());
    EXPECT_EQ(Column(kState), before) << version;
    EXPECT_THAT(Column("SELECT synced FROM state"), ElementsAre("0"));
    EXPECT_EQ(Column(kSchemaSql), new_schema) << version;
  }
}

TEST_F(SchemaTest, NobodyNeedsToNameAnIndexToFindAnId) {
  UseDatabaseOfVersion(3);
  Prepare();
  const std::string find_id = "SELECT seq FROM events JOIN topics USING(topic_id) WHERE event_id = 'a'";
  EXPECT_THAT(PlanOf(find_id), Contains(HasSubstr("events_by_id (ANY(<expr>) AND event_id=?)")));
  EXPECT_THAT(PlanOf(find_id + " AND topic = 'x'"),
              Contains(HasSubstr("events_by_id (ANY(<expr>) AND event_id=? AND topic_id=?)")));
  EXPECT_THAT(Column(find_id + " ORDER BY seq"), ElementsAre("1", "3"));
  EXPECT_THAT(Column("SELECT seq FROM events WHERE event_id = 'c'"), ElementsAre("1000004"));
  Execute("ANALYZE");
  EXPECT_THAT(Column(find_id + " ORDER BY seq"), ElementsAre("1", "3"));
}

TEST_F(SchemaTest, AFailedMigrationLeavesTheOldDatabaseAndIsDoneAgain) {
  const auto before = Content();
  Execute("CREATE TABLE times(in_the_way)");
  EXPECT_THROW(Prepare(), StorageError);
  EXPECT_EQ(Content(), before);
  EXPECT_THAT(Column("PRAGMA user_version"), ElementsAre("1"));
  Execute("DROP TABLE times");
  EXPECT_TRUE(Prepare());
  EXPECT_EQ(Content(), before);
}

TEST_F(SchemaTest, TablesOfSomethingElseAreLeftAlone) {
  std::filesystem::remove(path_);
  Execute("CREATE TABLE somebodys(x)");
  try {
    Prepare();
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(path_.string()), HasSubstr("none of a mosquitto-dedup")));
  }
  EXPECT_THAT(Column("SELECT name FROM sqlite_schema"), ElementsAre("somebodys"));
}

TEST_F(SchemaTest, ANewerSchemaIsRefused) {
  const std::string newer = std::to_string(kSchemaVersion + 1);
  Execute(("PRAGMA user_version = " + newer).c_str());
  try {
    Prepare();
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(path_.string()), HasSubstr("newer"), HasSubstr("schema " + newer)));
  }
  EXPECT_THAT(Column("PRAGMA user_version"), ElementsAre(newer));
}

}  // namespace
}  // namespace dedup
