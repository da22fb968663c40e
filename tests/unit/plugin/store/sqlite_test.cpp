#include "plugin/core/store/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/support/temp_dir.h"

namespace dedup::sqlite {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::ElementsAre;
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

constexpr char kVisitNumbers[] = "SELECT 1 FROM things WHERE number >= ? AND visit(number) ORDER BY number";

TEST_F(SqliteTest, AVisitGoesFromRowToRowUntilItIsEnded) {
  for (int number = 1; number <= 4; ++number) Insert(number);
  Statement rows(database_, kVisitNumbers);
  std::vector<std::int64_t> seen;
  const auto visit_to = [&](std::int64_t last) {
    return rows.Visit([&, last](const Row& row) {
      seen.push_back(row.Integer(0));
      return seen.back() != last;
    });
  };
  rows.Bind(2);
  EXPECT_TRUE(visit_to(3));
  EXPECT_THAT(seen, ElementsAre(2, 3));
  EXPECT_FALSE(visit_to(5)) << "there is none";
  EXPECT_THAT(seen, ElementsAre(2, 3, 2, 3, 4)) << "it begins anew";
  rows.Bind(5);
  EXPECT_FALSE(visit_to(5));
  EXPECT_EQ(seen.size(), 5);
}

TEST_F(SqliteTest, AVisitShowsAllValues) {
  Statement(database_, "INSERT INTO things VALUES(?, ?, ?)").Bind(1, "a\0b"sv, BlobView{"\0\xFF"sv}).Run();
  Statement(database_, "INSERT INTO things VALUES(?, ?, ?)").Bind(2, ""sv, std::optional<std::string_view>()).Run();
  Statement rows(database_, "SELECT 1 FROM things WHERE visit(number, text, bytes) ORDER BY number");
  rows.Visit([](const Row& row) {
    if (row.Integer(0) == 1) {
      EXPECT_EQ(row.Bytes(1), "a\0b"sv);
      EXPECT_EQ(row.OptionalBytes(2), "\0\xFF"sv);
      return true;
    }
    EXPECT_EQ(row.OptionalBytes(1), "") << "an empty text is not NULL";
    EXPECT_EQ(row.OptionalBytes(2), std::nullopt);
    return false;
  });
}

TEST_F(SqliteTest, AVisitMayUseOtherStatementsAndVisits) {
  for (int number = 1; number <= 3; ++number) Insert(number);
  Statement outer(database_, kVisitNumbers);
  Statement inner(database_, kVisitNumbers);
  std::vector<std::int64_t> sums;
  outer.Bind(1);
  outer.Visit([&](const Row& row) {
    sums.push_back(Count());
    inner.Bind(row.Integer(0));
    inner.Visit([&](const Row& below) {
      sums.back() += 10 * below.Integer(0);
      return true;
    });
    return true;
  });
  EXPECT_THAT(sums, ElementsAre(63, 53, 33));
}

TEST_F(SqliteTest, WhatAVisitorThrowsComesThroughSqlite) {
  Insert(1);
  Statement rows(database_, kVisitNumbers);
  rows.Bind(1);
  for (int times = 0; times < 2; ++times) {
    const Snapshot snapshot(database_);
    EXPECT_THROW(rows.Visit([](const Row&) -> bool { throw std::runtime_error("enough"); }), std::runtime_error);
  }
  EXPECT_TRUE(rows.Visit([](const Row&) { return false; }));
  Insert(2);
}

TEST_F(SqliteTest, AnErrorInAVisitIsSqlites) {
  Insert(1);
  Insert(std::numeric_limits<std::int64_t>::min());
  Statement rows(database_, "SELECT 1 FROM things WHERE visit(abs(number)) ORDER BY number DESC");
  std::vector<std::int64_t> seen;
  try {
    rows.Visit([&](const Row& row) {
      seen.push_back(row.Integer(0));
      return true;
    });
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("sqlite3_step"), HasSubstr("integer overflow")));
  }
  EXPECT_THAT(seen, ElementsAre(1));
  EXPECT_TRUE(rows.Visit([](const Row&) { return false; })) << "it is usable again";
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
