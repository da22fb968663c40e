#include "plugin/core/start/salvage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/support/store_fixture.h"

namespace dedup {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::AllOf;

class SalvageTest : public StoreTest {
 protected:
  static constexpr std::uint64_t kRows = 400;
  static constexpr std::size_t kPageBytes = 4096;

  SalvageTest() {
    InBatch([](Store::Batch& batch) {
      for (std::uint64_t seq = 1; seq <= kRows; ++seq) {
        const std::string id = "id\0"s + std::to_string(seq);
        const std::string topic = "t/" + std::to_string(seq % 3);
        const std::string payload = "payload " + std::to_string(seq) + std::string(500, '.');
        Event event = MakeEvent(seq, id, static_cast<std::int64_t>(seq), topic);
        event.payload = payload;
        batch.Insert(event);
      }
    });
    Close();
  }
  /// Salvages events.db, then opens what came over as the store.
  std::uint64_t Salvage() {
    std::filesystem::rename(dir_ / "events.db", dir_ / "damaged.db");
    const std::uint64_t copied = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db").rows;
    Open();
    return copied;
  }
  static constexpr char kAllRows[] =
      "SELECT json_group_array(json_array(seq, topic, event_id, expired, received_us, accepted_ms, source, "
      "hex(payload))) FROM (SELECT * FROM events JOIN topics USING(topic_id) ORDER BY seq)";
  std::string AllRows() { return Text(kAllRows); }
  std::string AllRowsOf(const char* name) {
    sqlite::Database database(dir_ / name, sqlite::Database::Mode::kReadWriteCreate);
    sqlite::Statement row(database, kAllRows);
    return row.Step() ? std::string(row.Bytes(0)) : "no row";
  }
  /// Where a table or an index begins.
  std::int64_t RootOf(const std::string& table, const char* name = "damaged.db") {
    sqlite::Database database(dir_ / name, sqlite::Database::Mode::kReadWriteCreate);
    return database.QueryInteger(("SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'").c_str());
  }
  /// Spoils the page that holds this event's row.
  void DamagePageOf(std::uint64_t seq) {
    const std::size_t at = ReadFile(dir_ / "events.db").find("payload " + std::to_string(seq) + ".");
    ASSERT_NE(at, std::string::npos);
    Overwrite(dir_ / "events.db", at / kPageBytes * kPageBytes, std::string(kPageBytes, '\xAA'));
  }
};

TEST_F(SalvageTest, TakesEveryRowOfAGoodDatabase) {
  EXPECT_EQ(Salvage(), kRows);
  EXPECT_EQ(Rows().size(), kRows);
  EXPECT_EQ(Text("SELECT event_id FROM events WHERE seq = 7"), "id\0"s + "7");
  EXPECT_EQ(Text("SELECT accepted_ms FROM events WHERE seq = 7"), "7");
  EXPECT_EQ(Text("SELECT received_us FROM events WHERE seq = 7"), "1769903999123456");
  EXPECT_EQ(Text("SELECT topic FROM events JOIN topics USING(topic_id) WHERE seq = 7"), "t/1");
  EXPECT_EQ(Text("SELECT substr(payload, 1, 10) FROM events WHERE seq = 7"), "payload 7.");
}

TEST_F(SalvageTest, TakesTheRowsOnBothSidesOfADamagedPage) {
  DamagePageOf(200);
  const std::uint64_t copied = Salvage();
  const std::vector<std::uint64_t> rows = Rows();
  EXPECT_EQ(copied, rows.size());
  EXPECT_GT(copied, kRows - kPageBytes / 500) << "one page is lost";
  EXPECT_LT(copied, kRows);
  EXPECT_EQ(rows.front(), 1U);
  EXPECT_EQ(rows.back(), kRows);
  EXPECT_THAT(rows, testing::Not(testing::Contains(200)));
}

TEST_F(SalvageTest, TakesTheStateAndWhatIsInDoubt) {
  Open();
  Event event = MakeEvent(300, "x");
  event.qos = 2;
  event.retain = true;
  event.properties = "\0properties"sv;
  InBatch([&](Store::Batch& batch) {
    batch.InsertInDoubt(event);
    batch.SaveState({.stored_seq = 500, .forgotten_seq = 100, .skipped_seqs = 3, .counters = {.duplicates = 4}});
  });
  Close();
  DamagePageOf(200);
  Salvage();
  const auto in_doubt = store_->LoadInDoubt();
  ASSERT_EQ(in_doubt.size(), 1U);
  EXPECT_EQ(in_doubt[0].seq, 300U);
  EXPECT_EQ(in_doubt[0].qos, 2);
  EXPECT_TRUE(in_doubt[0].retain);
  EXPECT_EQ(in_doubt[0].properties, "\0properties"sv);
  const StoreState state = store_->LoadState();
  EXPECT_EQ(state.stored_seq, 500U);
  EXPECT_EQ(state.forgotten_seq, 100U);
  EXPECT_EQ(state.skipped_seqs, 3U);
  EXPECT_EQ(state.counters.duplicates, 4U);
}

TEST_F(SalvageTest, TakesTheRulesAndTheirKeys) {
  Open();
  InBatch([](Store::Batch& batch) {
    for (std::uint64_t seq = kRows + 1; seq <= kRows + 100; ++seq) {
      Event event = MakeRuleEvent(seq, seq % 2 == 0 ? "even" : "odd", seq % 2 == 0 ? 1000 : kForeverWindow);
      event.rule.is_id_only = seq % 2 == 0;
      batch.Insert(event);
      if (seq == kRows + 2) batch.InsertInDoubt(event);
    }
  });
  const auto keys = RuleKeys();
  Close();
  for (const bool damaged : {false, true}) {
    if (damaged) DamagePageOf(200);
    Salvage();
    EXPECT_EQ(RuleKeys(), keys);
    EXPECT_EQ(Text("SELECT count(*) FROM events JOIN rules USING(rule_id) WHERE name = 'odd' AND keeps_payload"), "50");
    EXPECT_EQ(Text("SELECT count(*) FROM events JOIN rules USING(rule_id) WHERE name = 'even' AND payload = x''"),
              "50");
    ASSERT_EQ(store_->LoadInDoubt().size(), 1U);
    EXPECT_EQ(store_->LoadInDoubt()[0].payload, "payload");
    EXPECT_TRUE(store_->LoadInDoubt()[0].is_id_only);
    Close();
  }
}

TEST_F(SalvageTest, TakesHowFarTheKeyFileGoesButNotPastWhatNothingCanHandOn) {
  Open();
  InBatch([](Store::Batch& batch) { batch.SaveKeysSeq(350); });
  PutInDoubt(300);
  Close();
  const std::string whole = ReadFile(dir_ / "events.db");
  Salvage();
  EXPECT_EQ(store_->LoadKeysSeq(), 350U);
  EXPECT_EQ(InDoubt(), std::vector<std::uint64_t>{300});
  Close();
  WriteFile(dir_ / "events.db", whole);
  DamagePageOf(300);
  Salvage();
  EXPECT_EQ(store_->LoadKeysSeq(), 299U);
  EXPECT_TRUE(store_->LoadInDoubtSeqs().empty());
}

TEST_F(SalvageTest, AnExpiredRowStaysBesideItsKeysNewOne) {
  Open();
  Expire(100, kForever);
  EXPECT_TRUE(Insert(MakeEvent(kRows + 1,
                               "id\0"
                               "7"sv,
                               1000, "t/1")));
  Close();
  DamagePageOf(200);
  Salvage();
  EXPECT_THAT(Rows(), AllOf(testing::Contains(7), testing::Contains(kRows + 1)));
  EXPECT_FALSE(Insert(MakeEvent(kRows + 2,
                                "id\0"
                                "7"sv,
                                1000, "t/1")));
}

TEST_F(SalvageTest, TakesNothingFromWhatIsNoDatabase) {
  WriteFile(dir_ / "events.db", std::string(5000, 'x'));
  EXPECT_EQ(Salvage(), 0U);
}

TEST_F(SalvageTest, TakesTheRowsWhereTheSchemaIsGone) {
  const std::string rows = AllRows();
  Overwrite(dir_ / "events.db", 0, std::string(kPageBytes, '\xAA'));
  EXPECT_EQ(Salvage(), kRows);
  EXPECT_EQ(AllRows(), rows);
}

TEST_F(SalvageTest, TakesTheNewestOfAPageThatStandsInTheWalToo) {
  Open();
  Event event = MakeEvent(kRows + 1, "in the WAL", 1, "new/topic");
  Insert(event);
  // As a death leaves it: the store's end would bring the WAL into the main file.
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(dir_ / ("events.db"s + suffix), dir_ / ("damaged.db"s + suffix));
  }
  Close();
  const std::string rows = AllRows();
  std::filesystem::remove(dir_ / "events.db");
  const Salvaged salvaged = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db");
  EXPECT_EQ(salvaged.rows, kRows + 1);
  EXPECT_EQ(salvaged.unreadable_pages, 0U);
  EXPECT_EQ(AllRows(), rows);
}

TEST_F(SalvageTest, ARowWhosePagesLeadBackToOneOfThemIsLost) {
  Open();
  Event event = MakeEvent(kRows + 1, "long");
  const std::string payload(100'000, '.');
  event.payload = payload;
  Insert(event);
  Close();
  const std::string file = ReadFile(dir_ / "events.db");
  for (std::size_t page = 0, seen = 0; page < file.size() / kPageBytes; ++page) {
    if (file.compare(page * kPageBytes + 4, kPageBytes - 4, payload, 0, kPageBytes - 4) != 0 || ++seen != 9) continue;
    const char number[] = {0, 0, static_cast<char>((page + 1) >> 8), static_cast<char>(page + 1)};
    Overwrite(dir_ / "events.db", page * kPageBytes, std::string(number, sizeof number));
  }
  ASSERT_NE(ReadFile(dir_ / "events.db"), file);
  EXPECT_EQ(Salvage(), kRows);
}

TEST_F(SalvageTest, WhatADamagedHeaderReservesIsNotBelieved) {
  Open();
  Event event = MakeEvent(kRows + 1, "long");
  const std::string payload(100'000, '.');
  event.payload = payload;
  Insert(event);
  Close();
  const std::string rows = AllRows();
  Overwrite(dir_ / "events.db", 20, "\x08");  // bytes at the end of each page
  EXPECT_EQ(Salvage(), kRows + 1);
  EXPECT_EQ(AllRows(), rows);
}

TEST_F(SalvageTest, WhatTheJournalHasIsNotLost) {
  DamagePageOf(200);
  std::filesystem::rename(dir_ / "events.db", dir_ / "damaged.db");
  const Salvaged without = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db", {}, 5);
  EXPECT_GT(without.lost, 1U);
  Open();
  EXPECT_EQ(store_->LoadState().counters.lost, 5 + without.lost);
  Close();
  SeqRanges in_journal;
  in_journal.Add(200);
  std::filesystem::remove(dir_ / "events.db");
  EXPECT_EQ(dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db", in_journal).lost, without.lost - 1);
}

TEST_F(SalvageTest, ARowWhoseTopicIsLostStandsUnderANameOfItsOwn) {
  Open();
  PutInDoubt(7);
  InBatch([](Store::Batch& batch) { batch.SaveKeysSeq(300); });
  Execute("DELETE FROM topics WHERE topic = 't/1'");
  Close();
  std::filesystem::rename(dir_ / "events.db", dir_ / "damaged.db");
  const Salvaged salvaged = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db");
  EXPECT_EQ(salvaged.rows, kRows);
  EXPECT_EQ(salvaged.nameless_topics, 1U);
  Open();
  EXPECT_THAT(Text("SELECT topic FROM events JOIN topics USING(topic_id) WHERE seq = 7"),
              testing::StartsWith("$lost/"));
  EXPECT_EQ(Text("SELECT substr(payload, 1, 10) FROM events WHERE seq = 7"), "payload 7.");
  EXPECT_TRUE(InDoubt().empty()) << "it cannot be handed on";
  EXPECT_EQ(store_->LoadKeysSeq(), 6U) << "its next copy is to be";
}

TEST_F(SalvageTest, WhereTheStateIsLostTheRowsTellWhatIsForgotten) {
  Open();
  Expire(100, kForever);
  Execute("DELETE FROM state");
  Close();
  Salvage();
  EXPECT_EQ(store_->LoadState().forgotten_seq, 99U);
  EXPECT_EQ(store_->LoadState().stored_seq, kRows);
}

TEST_F(SalvageTest, SomebodysOwnTableIsTakenForNoneOfOurs) {
  Open();
  InBatch([](Store::Batch& batch) {
    batch.SaveKeysSeq(350);
    batch.SaveState({.stored_seq = kRows, .forgotten_seq = 1, .skipped_seqs = 2, .counters = {.passed = 3}});
  });
  PutInDoubt(7);
  Close();
  {
    sqlite::Database database(dir_ / "events.db", sqlite::Database::Mode::kReadWriteCreate);
    database.Execute(
        "CREATE TABLE notes(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO notes VALUES(1, 'x'), (2, 'x'), (3, 'x');"
        "CREATE TABLE kinds(a INTEGER PRIMARY KEY, b TEXT, c INT); INSERT INTO kinds VALUES(1, 'x', 1);"
        "CREATE TABLE pairs(a INTEGER PRIMARY KEY, b INT); INSERT INTO pairs VALUES(1, 399), (5, 398);"
        "CREATE TABLE signs(a INTEGER PRIMARY KEY, b INT, c INT, d BLOB); INSERT INTO signs VALUES(9, 1, 1, x'00');"
        "CREATE TABLE sums(a INTEGER PRIMARY KEY, b INT, c INT, d INT, e INT, f INT, g INT, h INT, i INT);"
        "INSERT INTO sums VALUES(1, 666, 66, 2, 2, 2, 2, 2, 2);"
        "CREATE TABLE copies(seq INTEGER PRIMARY KEY, t INT, id TEXT, e INT, r INT, a INT, s TEXT, p BLOB);"
        "INSERT INTO copies SELECT seq + 1000, topic_id, event_id, expired, received_us, accepted_ms, source, payload "
        "FROM events;"
        "CREATE INDEX copies_by_id ON copies(id, e, r)");
  }
  const std::string rows = AllRowsOf("events.db");
  const std::string whole = ReadFile(dir_ / "events.db");
  for (const bool is_damaged : {false, true}) {
    SCOPED_TRACE(is_damaged);
    WriteFile(dir_ / "damaged.db", whole);
    if (is_damaged) {
      // Both that the names of topics stand on, and those of key_file and state.
      for (const char* const name : {"topics", "sqlite_autoindex_topics_1", "key_file", "state", "in_doubt"}) {
        Overwrite(dir_ / "damaged.db", (RootOf(name) - 1) * kPageBytes, std::string(kPageBytes, '\xAA'));
      }
    }
    std::filesystem::remove(dir_ / "events.db");
    const Salvaged salvaged = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db");
    EXPECT_EQ(salvaged.rows, kRows);
    EXPECT_EQ(salvaged.lost, 0U);
    EXPECT_EQ(salvaged.nameless_topics, is_damaged ? 3U : 0U);
    Open();
    if (!is_damaged) {
      EXPECT_EQ(AllRows(), rows);
    }
    EXPECT_EQ(store_->LoadKeysSeq(), is_damaged ? 0U : 350U);
    EXPECT_EQ(InDoubt(), is_damaged ? std::vector<std::uint64_t>() : std::vector<std::uint64_t>{7});
    EXPECT_EQ(store_->LoadState().stored_seq, kRows);
    EXPECT_EQ(store_->LoadState().counters.passed, is_damaged ? 0U : 3U);
    EXPECT_EQ(Text("SELECT count(*) FROM rules"), "0");
    Close();
  }
}

TEST_F(SalvageTest, ATableIsFoundWhereTheSchemaLeadsToAnother) {
  Open();
  InBatch([](Store::Batch& batch) { batch.SaveKeysSeq(350); });
  Close();
  const std::string rows = AllRowsOf("events.db");
  std::map<std::string, std::int64_t> roots;
  for (const char* const name : {"topics", "events", "key_file", "state"}) roots[name] = RootOf(name, "events.db");
  for (const auto& [name, page] : roots) {
    for (const auto& [other, wrong] : roots) {
      if (name == other) continue;
      SCOPED_TRACE(name + " leads to " + other);
      for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(dir_ / ("damaged.db"s + suffix));
      std::filesystem::copy_file(dir_ / "events.db", dir_ / "damaged.db");
      {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open((dir_ / "damaged.db").c_str(), &database), SQLITE_OK);
        const std::string sql =
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = " + std::to_string(wrong) +
            " WHERE name = '" + name + "'";
        ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
      }
      const Salvaged salvaged = dedup::Salvage(dir_ / "damaged.db", dir_ / "fresh.db");
      EXPECT_EQ(salvaged.nameless_topics, 0U);
      EXPECT_EQ(AllRowsOf("fresh.db"), rows);
      {
        sqlite::Database fresh(dir_ / "fresh.db", sqlite::Database::Mode::kReadWriteCreate);
        EXPECT_EQ(fresh.QueryInteger("SELECT keys_seq FROM key_file"), 350);
      }
      std::filesystem::remove(dir_ / "fresh.db");
    }
  }
}

// Pages of every kind, some of them above others.
class EachPageTest : public SalvageTest {
 protected:
  static constexpr std::uint64_t kMoreRows = 300;

  EachPageTest() {
    Open();
    InBatch([](Store::Batch& batch) {
      for (std::uint64_t seq = kRows + 1; seq <= kRows + kMoreRows; ++seq) {
        const std::string topic = "a topic of its own with a long name/" + std::to_string(seq);
        const std::string id = "an id that fills the index's pages " + std::to_string(seq);
        Event event = seq % 3 == 0 ? MakeRuleEvent(seq, "rule " + std::to_string(seq % 7), 1000 + 1000 * (seq % 2))
                                   : MakeEvent(seq, id, 1, topic);
        std::string payload = Marker(seq);
        // Every page that it runs on to says whose it is.
        const std::size_t size = seq % 50 == 0 ? 3 * kPageBytes : 100;
        while (payload.size() < size) payload += payload;
        payload = "{\"source\":\"source " + std::to_string(seq) + "\",\"x\":\"" + payload + "\"}";
        event.payload = payload;
        batch.Insert(event);
        if (seq % 4 == 0) {
          event.qos = 2;
          batch.InsertInDoubt(event);
        }
      }
      batch.SaveKeysSeq(350);
      batch.SaveState(
          {.stored_seq = kRows + kMoreRows, .forgotten_seq = 1, .skipped_seqs = 2, .counters = {.passed = 3}});
    });
    Close();
    bytes_ = ReadFile(dir_ / "events.db");
    std::filesystem::rename(dir_ / "events.db", dir_ / "whole.db");
  }

  static std::string Marker(std::uint64_t seq) { return "payload " + std::to_string(seq) + "."; }
  std::string Page(std::size_t number) const { return bytes_.substr((number - 1) * kPageBytes, kPageBytes); }
  std::map<std::uint64_t, std::string> RowsOf(const char* name) {
    sqlite::Database database(dir_ / name, sqlite::Database::Mode::kReadWriteCreate);
    sqlite::Statement rows(database, kAllRows);
    std::map<std::uint64_t, std::string> by_seq;
    while (rows.Step()) by_seq.emplace(rows.Integer(0), rows.Bytes(1));
    return by_seq;
  }
  std::string DumpOf(const char* name, const char* sql) {
    sqlite::Database database(dir_ / name, sqlite::Database::Mode::kReadWriteCreate);
    sqlite::Statement row(database, sql);
    return row.Step() ? std::string(row.Bytes(0)) : "no row";
  }
  void Check(std::size_t number, char filling) {
    SCOPED_TRACE("page " + std::to_string(number) + " is filled with " + std::to_string(filling));
    const std::string page = Page(number);
    WriteFile(dir_ / "damaged.db", bytes_);
    Overwrite(dir_ / "damaged.db", (number - 1) * kPageBytes, std::string(kPageBytes, filling));
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(dir_ / ("events.db"s + suffix));
    const Salvaged salvaged = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db");

    const auto rows = RowsOf("events.db");
    std::uint64_t lost = 0;
    for (const auto& [seq, row] : whole_) {
      const auto kept = rows.find(seq);
      const bool stood_there = page.find(Marker(seq)) != std::string::npos;
      if (kept != rows.end()) {
        // Zeros are a good end of a long payload, to SQLite too.
        ASSERT_TRUE(kept->second == row || (filling == '\0' && stood_there)) << "event " << seq;
      } else {
        ++lost;
        ASSERT_TRUE(stood_there) << "event " << seq << " stood elsewhere";
      }
    }
    EXPECT_EQ(rows.size(), salvaged.rows);
    EXPECT_EQ(salvaged.rows + lost, whole_.size());
    EXPECT_EQ(salvaged.lost, lost);
    EXPECT_EQ(salvaged.nameless_topics, 0U);
    // One of zeros may be the end of a long payload.
    EXPECT_TRUE(salvaged.unreadable_pages >= 1 || filling == '\0');
    for (const auto& [table, dump] : dumps_) {
      if (lost != 0 && table == std::string("in_doubt")) continue;  // whose rows went with it
      const std::vector<std::string>& damaged = salvaged.damaged_tables;
      if (std::ranges::find(damaged, table) != damaged.end()) continue;
      EXPECT_EQ(DumpOf("events.db", dump.first), dump.second) << table;
    }
    damaged_tables_.insert(salvaged.damaged_tables.begin(), salvaged.damaged_tables.end());
    lost_ += lost;
  }

  static constexpr char kAllRows[] =
      "SELECT seq, json_array(topic, event_id, expired, received_us, accepted_ms, source, hex(payload), name) "
      "FROM events JOIN topics USING(topic_id) LEFT JOIN rules USING(rule_id)";
  std::string bytes_;
  std::map<std::uint64_t, std::string> whole_;
  std::map<std::string, std::pair<const char*, std::string>> dumps_;
  std::set<std::string> damaged_tables_;
  std::uint64_t lost_ = 0;
};

TEST_F(EachPageTest, TakesNoWholePageWithIt) {
  whole_ = RowsOf("whole.db");
  ASSERT_EQ(whole_.size(), kRows + kMoreRows);
  for (const auto& [table, sql] : std::initializer_list<std::pair<const char*, const char*>>{
           {"in_doubt",
            "SELECT json_group_array(json_array(seq, qos, retain, hex(properties), hex(payload))) "
            "FROM (SELECT * FROM in_doubt ORDER BY seq)"},
           {"rule_keys",
            "SELECT json_group_array(json_array(window_ms, seq, accepted_ms, hex(key))) "
            "FROM (SELECT * FROM rule_keys ORDER BY window_ms, seq)"},
           {"state", "SELECT json_array(stored_seq, forgotten_seq, skipped_seqs, passed) FROM state"}}) {
    dumps_[table] = {sql, DumpOf("whole.db", sql)};
  }
  for (std::size_t number = 1; number <= bytes_.size() / kPageBytes; ++number) {
    ASSERT_NO_FATAL_FAILURE(Check(number, '\xAA'));
    if (number % 4 != 1) continue;
    ASSERT_NO_FATAL_FAILURE(Check(number, '\0'));
  }
  // The test is worth something: there was a page of each kind.
  EXPECT_THAT(damaged_tables_,
              testing::ElementsAre("in_doubt", "key_file", "rule_keys", "rules", "sqlite_schema", "state", "topics"));
  EXPECT_GE(lost_, whole_.size());
}

}  // namespace
}  // namespace dedup
