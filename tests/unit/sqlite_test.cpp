#include "sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "temp_dir.h"

namespace dedup::sqlite {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::HasSubstr;

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() : database_(dir_ / "test.db", Database::Mode::kReadWriteCreate) {
    database_.Execute("CREATE TABLE things(number INTEGER PRIMARY KEY, text TEXT, bytes BLOB)");
  }
  void Insert(std::int64_t number) { Statement(database_, "INSERT INTO things(number) VALUES(?)").Bind(number).Run(); }
  std::int64_t Count() { return database_.QueryInteger("SELECT COUNT(*) FROM things"); }

  TempDir dir_;
  Database database_;
};

TEST_F(SqliteTest, GivesBackWhatWasBound) {
  Statement insert(database_, "INSERT INTO things VALUES(?, ?, ?)");
  insert.Bind(1, "a\0b"sv, BlobView{"\0\xFF"sv}).Run();
  insert.Bind(std::uint64_t{2}, std::string_view{}, BlobView{}).Run();
  EXPECT_EQ(database_.changes(), 1);
  Statement rows(database_, "SELECT number, text, bytes, typeof(text), typeof(bytes) FROM things ORDER BY number");
  ASSERT_TRUE(rows.Step());
  EXPECT_EQ(rows.Integer(0), 1);
  EXPECT_EQ(rows.Bytes(1), "a\0b"sv);
  EXPECT_EQ(rows.Bytes(2), "\0\xFF"sv);
  ASSERT_TRUE(rows.Step());
  EXPECT_EQ(rows.Bytes(1), "");
  EXPECT_EQ(rows.Bytes(2), "");
  EXPECT_EQ(rows.Bytes(3), "text") << "nothing is an empty text, not NULL";
  EXPECT_EQ(rows.Bytes(4), "blob");
  EXPECT_FALSE(rows.Step());
  EXPECT_TRUE(rows.Step()) << "at its end a statement begins anew";
}

TEST_F(SqliteTest, AQueryWithoutARowIsZero) { EXPECT_EQ(database_.QueryInteger("SELECT number FROM things"), 0); }

TEST_F(SqliteTest, ATransactionIsAllOrNothing) {
  {
    const Transaction abandoned(database_);
    Insert(1);
  }
  EXPECT_EQ(Count(), 0);
  {
    Transaction transaction(database_);
    Insert(1);
    transaction.Commit();
  }
  EXPECT_EQ(Count(), 1);
}

TEST_F(SqliteTest, ErrorsCarrySqlitesWords) {
  try {
    Statement(database_, "SELECT * FROM nowhere");
    FAIL();
  } catch (const CorruptDatabase&) {
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("sqlite3_prepare"), HasSubstr("test.db"), HasSubstr("no such table")));
  }
  Insert(1);
  EXPECT_THROW(Insert(1), StorageError);
  EXPECT_THROW(database_.Execute("nonsense"), StorageError);
  EXPECT_THROW(Database(dir_ / "absent" / "x.db", Database::Mode::kReadWriteCreate), StorageError);
  EXPECT_THROW(Database(dir_ / "absent.db", Database::Mode::kReadOnly), StorageError);
}

TEST_F(SqliteTest, AStatementIsUsableAgainAfterItsError) {
  Statement insert(database_, "INSERT INTO things(number) VALUES(?)");
  insert.Bind(1).Run();
  EXPECT_THROW(insert.Bind(1).Run(), StorageError);
  insert.Bind(2).Run();
  EXPECT_EQ(Count(), 2);
}

TEST_F(SqliteTest, ALockedDatabaseIsAnErrorAfterTheTimeout) {
  Database other(dir_ / "test.db", Database::Mode::kReadWriteCreate);
  other.SetBusyTimeout(10);
  const Transaction held(database_);
  EXPECT_THROW(Transaction{other}, BusyDatabase);
}

TEST_F(SqliteTest, WhatIsNoDatabaseIsCorrupt) {
  WriteFile(dir_ / "text.db", std::string(10'000, 'x'));
  Database text(dir_ / "text.db", Database::Mode::kReadWriteCreate);
  EXPECT_THROW(text.QueryInteger("PRAGMA user_version"), CorruptDatabase);
}

}  // namespace
}  // namespace dedup::sqlite
