#include "schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// On a copy of a database that the first version wrote: events 1 and 2 expired, 6 in doubt.
class SchemaTest : public testing::Test {
 protected:
  SchemaTest() { std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-1.db", path_); }

  sqlite::Database Open() { return {path_, sqlite::Database::Mode::kReadWriteCreate}; }
  void Execute(const char* sql) { Open().Execute(sql); }
  std::optional<Migration> Prepare() {
    sqlite::Database database = Open();
    return PrepareSchema(database);
  }
  /// The first column.
  std::vector<std::string> Column(const std::string& sql) {
    sqlite::Database database = Open();
    sqlite::Statement rows(database, sql.c_str());
    std::vector<std::string> values;
    while (rows.Step()) values.emplace_back(rows.Bytes(0));
    return values;
  }
  /// All that the tables of the first version hold.
  std::vector<std::string> Content() {
    std::vector<std::string> content = Column(
        "SELECT seq||' '||topic_id||' '||event_id||' '||expired||' '||received_us||' '||accepted_ms||' '||hex(payload) "
        "FROM events ORDER BY seq");
    for (const char* const sql : {"SELECT topic_id||' '||topic FROM topics",
                                  "SELECT seq||' '||qos||' '||retain||' '||hex(properties) FROM in_doubt",
                                  "SELECT stored_seq||' '||forgotten_seq||' '||skipped_seqs||' '||duplicates||' '||"
                                  "passed||' '||refused||' '||invalid_ids||' '||unstored||' '||synced FROM state",
                                  "SELECT seq||topic||event_id||received_at||hex(payload) FROM readable_events"}) {
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

TEST_F(SchemaTest, AMigratedDatabaseLooksLikeANewOne) {
  Prepare();
  constexpr char kSchemaSql[] = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  const auto migrated = Column(kSchemaSql);
  std::filesystem::remove(path_);
  EXPECT_FALSE(Prepare());
  EXPECT_EQ(Column(kSchemaSql), migrated);
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
