#include "plugin/core/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/unit/support/store_fixture.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

// --- Rows ----------------------------------------------------------------------------------------

TEST_F(StoreTest, IsEmptyAtFirst) {
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(RememberedKeys(), IsEmpty());
  EXPECT_THAT(InDoubt(), IsEmpty());
  EXPECT_EQ(store_->LoadState().stored_seq, 0U);
}

TEST_F(StoreTest, IsInWalModeWithAVersion) {
  EXPECT_EQ(Text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(Text("PRAGMA user_version"), std::to_string(kSchemaVersion));
}

TEST_F(StoreTest, KeepsEveryByteOfAnEvent) {
  Event event = MakeEvent(5, "a\0b"sv, 77, "größe/1");
  event.payload = "\0\xFF\n"sv;
  EXPECT_TRUE(Insert(event));
  EXPECT_EQ(Text("SELECT topic FROM topics"), "größe/1");
  EXPECT_EQ(Text("SELECT event_id FROM events"), "a\0b"sv);
  EXPECT_EQ(Text("SELECT payload FROM events"), "\0\xFF\n"sv);
  EXPECT_EQ(Text("SELECT received_us || ' ' || accepted_ms FROM events"), "1769903999123456 77");
  event.seq = 6;
  event.event_id = "b";
  event.payload = {};
  EXPECT_TRUE(Insert(event));
  EXPECT_EQ(Text("SELECT typeof(payload) || length(payload) FROM events WHERE seq = 6"), "blob0");
}

TEST_F(StoreTest, OutlivesTheProcess) {
  InsertMany(3);
  Open();
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

TEST_F(StoreTest, KeepsATopicOnce) {
  Insert(MakeEvent(1, "a", 0, "x"));
  Insert(MakeEvent(2, "b", 0, "y"));
  Open();
  Insert(MakeEvent(3, "c", 0, "x"));
  EXPECT_EQ(Text("SELECT COUNT(*) FROM topics"), "2");
  EXPECT_EQ(Text("SELECT topic FROM events JOIN topics USING(topic_id) WHERE seq = 3"), "x");
}

TEST_F(StoreTest, AKeyHasOneRow) {
  EXPECT_TRUE(Insert(MakeEvent(1, "a")));
  EXPECT_FALSE(Insert(MakeEvent(1, "a"))) << "the same seq, as when the journal is replayed twice";
  EXPECT_FALSE(Insert(MakeEvent(1, "b")));
  EXPECT_FALSE(Insert(MakeEvent(2, "a"))) << "the same key";
  EXPECT_TRUE(Insert(MakeEvent(2, "a", 0, "other topic")));
  EXPECT_TRUE(Insert(MakeEvent(3, "A")));
  EXPECT_TRUE(Insert(MakeEvent(4, "a\0"sv)));
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4));
}

// What a rule tells apart may have one text, on one topic; and its key may come again.
TEST_F(StoreTest, RowsOfRulesAreComparedByTheirSeqAlone) {
  EXPECT_TRUE(Insert(MakeRuleEvent(1, "r", 1000)));
  EXPECT_FALSE(Insert(MakeRuleEvent(1, "r", 1000))) << "as when the journal is replayed twice";
  EXPECT_TRUE(Insert(MakeRuleEvent(2, "r", 1000)));
  EXPECT_TRUE(Insert(MakeRuleEvent(3, "other", kForeverWindow)));
  EXPECT_TRUE(Insert(MakeEvent(4, "same text")));
  EXPECT_FALSE(Insert(MakeEvent(5, "same text")));
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(RuleKeys(), ElementsAre(Pair(1000, 1), Pair(1000, 2), Pair(kForeverWindow, 3)));
  EXPECT_THAT(RuleKeys(2), ElementsAre(Pair(1000, 1), Pair(1000, 2)));
  EXPECT_THAT(RememberedKeys(), ElementsAre(4)) << "a key cannot be made of a rule's row";
  EXPECT_EQ(Text("SELECT group_concat(name || keeps_payload) FROM events LEFT JOIN rules USING(rule_id)"),
            "r1,r1,other1");
}

TEST_F(StoreTest, KeysOfRulesGoWhenTheirWindowsAreOver) {
  InBatch([](Store::Batch& batch) {
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
      constexpr std::int64_t kWindows[] = {kForeverWindow, 10, 1000, kPluginWindow};
      batch.Insert(MakeRuleEvent(seq, "r", kWindows[seq % 4], static_cast<std::int64_t>(100 * seq)));
    }
  });
  EXPECT_TRUE(ExpireRuleKeys(110));
  EXPECT_EQ(RuleKeys().size(), 40U);
  EXPECT_TRUE(ExpireRuleKeys(111));
  EXPECT_EQ(RuleKeys().size(), 39U);
  EXPECT_TRUE(ExpireRuleKeys(3000, 7)) << "the plugin's own windows by their seqs";
  EXPECT_THAT(RuleKeys(31), AllOf(Not(Contains(Pair(1000, 18))), Contains(Pair(1000, 22)), Not(Contains(Pair(10, 29))),
                                  Not(Contains(Pair(kPluginWindow, 7))), Contains(Pair(kPluginWindow, 11)),
                                  Contains(Pair(kForeverWindow, 4))));
  EXPECT_FALSE(ExpireRuleKeys(INT64_MAX - 1, 100, 3));
  while (!ExpireRuleKeys(INT64_MAX - 1, 100, 3)) {
  }
  EXPECT_EQ(RuleKeys().size(), 10U) << "those for ever stay";
  EXPECT_EQ(Rows().size(), 40U) << "and so do the rows";
}

TEST_F(StoreTest, ARowOfAnIdOnlyHasNoPayloadAndYetOneInDoubt) {
  Event event = MakeRuleEvent(1, "r", 1000);
  event.rule.is_id_only = true;
  event.payload = R"({"source":"s"})";
  InBatch([&](Store::Batch& batch) {
    batch.InsertInDoubt(event);
    EXPECT_TRUE(batch.Insert(event));
    EXPECT_TRUE(batch.Insert(MakeRuleEvent(2, "r", 1000)));
    batch.InsertInDoubt(MakeRuleEvent(2, "r", 1000));
  });
  EXPECT_EQ(Text("SELECT payload || coalesce(source, '-') FROM events WHERE seq = 1"), "-");
  const std::vector<EventInDoubt> in_doubt = store_->LoadInDoubt();
  ASSERT_EQ(in_doubt.size(), 2U);
  EXPECT_EQ(in_doubt[0].payload, event.payload);
  EXPECT_TRUE(in_doubt[0].is_id_only);
  EXPECT_EQ(in_doubt[1].payload, "payload");
  EXPECT_FALSE(in_doubt[1].is_id_only);
  EXPECT_EQ(Text("SELECT group_concat(name || keeps_payload) FROM events JOIN rules USING(rule_id) ORDER BY seq"),
            "r0,r1");
}

TEST_F(StoreTest, AnAbandonedBatchLeavesNoRule) {
  {
    Store::Batch batch(*store_, Store::Durability::kVisible);
    batch.Insert(MakeRuleEvent(1, "r", 1000));
  }
  EXPECT_TRUE(Insert(MakeRuleEvent(1, "r", 1000)));
  EXPECT_EQ(Text("SELECT name FROM events JOIN rules USING(rule_id)"), "r");
}

TEST_F(StoreTest, ARulesKeyOfAnotherSizeIsDamage) {
  Insert(MakeRuleEvent(1, "r", 1000));
  Execute("UPDATE rule_keys SET key = x'00'");
  EXPECT_THROW(RuleKeys(), sqlite::CorruptDatabase);
}

TEST_F(StoreTest, RowsFarApartAreNotCompared) {
  constexpr std::uint64_t kLast = 131'071;
  EXPECT_TRUE(Insert(MakeEvent(1, "a")));
  EXPECT_FALSE(Insert(MakeEvent(kLast, "a")));
  EXPECT_TRUE(Insert(MakeEvent(kLast + 1, "a"))) << "else each insert would touch another page of a large index";
  EXPECT_FALSE(Insert(MakeEvent(kLast + 2, "a")));
}

TEST_F(StoreTest, AnAbandonedBatchLeavesNothing) {
  {
    Store::Batch batch(*store_, Store::Durability::kSynced);
    batch.Insert(MakeEvent(1, "a", 0, "new topic"));
    batch.SaveState({.stored_seq = 1, .forgotten_seq = 0, .skipped_seqs = 0, .counters = {}});
  }
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(store_->LoadState().stored_seq, 0U);
  EXPECT_TRUE(Insert(MakeEvent(1, "a", 0, "new topic"))) << "its topic is not remembered from before";
  EXPECT_EQ(Text("SELECT topic FROM events JOIN topics USING(topic_id)"), "new topic");
}

TEST_F(StoreTest, AFailedBatchLeavesTheStoreUsable) {
  InsertMany(1);
  Execute("ALTER TABLE events RENAME TO hidden");
  EXPECT_THROW(Insert(MakeEvent(2, "2", 0, "new topic")), StorageError);
  Execute("ALTER TABLE hidden RENAME TO events");
  EXPECT_TRUE(Insert(MakeEvent(2, "2", 0, "new topic")));
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
}

TEST_F(StoreTest, ACommitIsVisibleToOthersAtOnce) {
  for (const auto durability : {Store::Durability::kSynced, Store::Durability::kVisible, Store::Durability::kSynced}) {
    const std::uint64_t seq = Rows().size() + 1;
    Store::Batch batch(*store_, durability);
    batch.Insert(MakeEvent(seq, std::to_string(seq)));
    EXPECT_EQ(Rows().size(), seq - 1);
    batch.Commit();
    EXPECT_EQ(Rows().size(), seq);
  }
}

TEST_F(StoreTest, GivesTheKeysInOrder) {
  Insert(MakeEvent(7, "b\0"sv, 0, "x"));
  Insert(MakeEvent(3, "a", 0, "y"));
  std::vector<std::tuple<std::uint64_t, std::string, std::string>> keys;
  store_->ForEachKey(0, UINT32_MAX,
                     [&](auto seq, auto topic, auto event_id) { keys.emplace_back(seq, topic, event_id); });
  EXPECT_THAT(keys, ElementsAre(std::tuple(3, "y", "a"), std::tuple(7, "x", "b\0"s)));
}

TEST_F(StoreTest, PeopleCanReadIt) {
  Insert(MakeEvent(1, "a", 0, "sensors/1"));
  // By a connection of their own: ours reads no views.
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((dir_ / Store::kFileName).c_str(), &database), SQLITE_OK);
  std::string text;
  const auto on_row = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) = values[0];
    return 0;
  };
  sqlite3_exec(database, "SELECT seq||'|'||topic||'|'||event_id||'|'||received_at||'|'||payload FROM readable_events",
               on_row, &text, nullptr);
  sqlite3_close(database);
  EXPECT_EQ(text, "1|sensors/1|a|2026-01-31T23:59:59.123Z|payload");
}

TEST_F(StoreTest, MoreTopicsThanAreKeptInMind) {
  InBatch([&](Store::Batch& batch) {
    for (std::uint64_t seq = 1; seq <= 12'000; ++seq) batch.Insert(MakeEvent(seq, "a", 0, "t/" + std::to_string(seq)));
    for (std::uint64_t seq = 1; seq <= 12'000; seq += 1000) {
      EXPECT_FALSE(batch.Insert(MakeEvent(20'000 + seq, "a", 0, "t/" + std::to_string(seq))));
    }
  });
  EXPECT_EQ(Text("SELECT COUNT(*) FROM topics"), "12000");
}

// --- State ---------------------------------------------------------------------------------------

TEST_F(StoreTest, TheStateOutlivesTheProcess) {
  InBatch([](Store::Batch& batch) {
    batch.SaveState({.stored_seq = 1,
                     .forgotten_seq = 2,
                     .skipped_seqs = 3,
                     .counters = {.duplicates = 4, .passed = 5, .refused = 6, .invalid_ids = 7, .unstored = 8}});
  });
  Open();
  const StoreState state = store_->LoadState();
  EXPECT_EQ(state.stored_seq, 1U);
  EXPECT_EQ(state.forgotten_seq, 2U);
  EXPECT_EQ(state.skipped_seqs, 3U);
  EXPECT_EQ(state.counters.duplicates, 4U);
  EXPECT_EQ(state.counters.passed, 5U);
  EXPECT_EQ(state.counters.refused, 6U);
  EXPECT_EQ(state.counters.invalid_ids, 7U);
  EXPECT_EQ(state.counters.unstored, 8U);
}

TEST_F(StoreTest, TheHighestRowIsABetterWitnessThanTheState) {
  Insert(MakeEvent(77, "a", 123));
  EXPECT_EQ(store_->LoadState().stored_seq, 77U);
  EXPECT_EQ(store_->NewestAcceptedMs(), 123);
  InBatch([](Store::Batch& batch) {
    batch.SaveState({.stored_seq = 99, .forgotten_seq = 0, .skipped_seqs = 0, .counters = {}});
  });
  EXPECT_EQ(store_->LoadState().stored_seq, 99U);
}

TEST_F(StoreTest, WithoutEventsThereIsNoNewest) { EXPECT_EQ(store_->NewestAcceptedMs(), 0); }

TEST_F(StoreTest, ACheckpointEmptiesTheWal) {
  InsertMany(10);
  EXPECT_GT(std::filesystem::file_size(dir_ / "events.db-wal"), 0U);
  EXPECT_TRUE(store_->Checkpoint());
  EXPECT_EQ(std::filesystem::file_size(dir_ / "events.db-wal"), 0U);
}

TEST_F(StoreTest, BoundWalKeepsTheWalSmall) {
  const std::string payload(10'000, 'x');
  for (std::uint64_t seq = 1; seq <= 6000;) {
    InBatch([&](Store::Batch& batch) {
      for (int i = 0; i < 200; ++i, ++seq) {
        Event event = MakeEvent(seq, std::to_string(seq));
        event.payload = payload;
        batch.Insert(event);
      }
    });
    store_->BoundWal();
  }
  EXPECT_LT(std::filesystem::file_size(dir_ / "events.db-wal"), 32U << 20);
  EXPECT_GT(std::filesystem::file_size(dir_ / "events.db"), 32U << 20);
}

TEST_F(StoreTest, IsNotReadableForEveryone) {
  InsertMany(1);
  for (const char* const name : {"events.db", "events.db-wal", "events.db-shm"}) {
    EXPECT_EQ(std::filesystem::status(dir_ / name).permissions() & std::filesystem::perms::others_all,
              std::filesystem::perms::none)
        << name;
  }
}

TEST_F(StoreTest, ALostStateIsCorruption) {
  Execute("DELETE FROM state");
  EXPECT_THROW(store_->LoadState(), sqlite::CorruptDatabase);
}

// --- Source and times ----------------------------------------------------------------------------

TEST_F(StoreTest, KeepsTheSourceThatThePayloadNames) {
  Event event = MakeEvent(1, "a");
  event.payload = R"({"source":"gr\u00f6\u00dfe"})";
  Insert(event);
  event = MakeEvent(2, "b");
  event.payload = R"({"source":17})";
  Insert(event);
  EXPECT_EQ(Text("SELECT group_concat(coalesce(source, 'none')) FROM events"), "größe,none");
}

TEST_F(StoreTest, KnowsTheTimesOfEachBlockOfEvents) {
  std::deque<std::string> ids;  // which the events refer to
  const auto at = [&ids](std::uint64_t seq, std::int64_t wall_us) {
    Event event = MakeEvent(seq, ids.emplace_back(std::to_string(seq)));
    event.accepted.wall_us = wall_us;
    return event;
  };
  InBatch([&](Store::Batch& batch) {
    batch.Insert(at(1, 50));
    batch.Insert(at(2, 10));
    batch.Insert(at(1023, 20));
    batch.Insert(at(1024, 70));
    batch.Insert(at(5000, 60));
    batch.Insert(at(1022, 55));  // a salvage goes backwards
  });
  Insert(at(1025, 30));
  Insert(at(1025, 1));
  constexpr char kTimes[] = "SELECT group_concat(block || ':' || earliest_us || '-' || latest_us, ' ') FROM times";
  EXPECT_EQ(Text(kTimes), "0:10-55 1:30-70 4:60-60");
}

TEST_F(StoreTest, TimesGoWithTheirEvents) {
  InsertMany(3000);
  constexpr char kBlocks[] = "SELECT group_concat(block) FROM times";
  EXPECT_EQ(Text(kBlocks), "0,1,2");
  Expire(1023, 1023, 10'000);
  EXPECT_EQ(Text(kBlocks), "0,1,2") << "1023 is still there";
  Expire(1024, 1024, 10'000);
  EXPECT_EQ(Text(kBlocks), "1,2");
  Expire(5000, 5000, 10'000);
  EXPECT_EQ(Text(kBlocks), "2") << "the last block may get more";
}

// --- In doubt ------------------------------------------------------------------------------------

TEST_F(StoreTest, AnEventInDoubtComesBackWhole) {
  Event event = MakeEvent(5, "a\0b"sv, 0, "x");
  event.qos = 2;
  event.retain = true;
  event.properties = "\0properties"sv;
  event.payload = "\0payload"sv;
  InBatch([&](Store::Batch& batch) {
    batch.Insert(event);
    batch.InsertInDoubt(event);
    batch.InsertInDoubt(event);
  });
  Open();
  const auto in_doubt = store_->LoadInDoubt();
  ASSERT_EQ(in_doubt.size(), 1U);
  EXPECT_EQ(in_doubt[0].seq, 5U);
  EXPECT_EQ(in_doubt[0].qos, 2);
  EXPECT_TRUE(in_doubt[0].retain);
  EXPECT_EQ(in_doubt[0].topic, "x");
  EXPECT_EQ(in_doubt[0].event_id, "a\0b"sv);
  EXPECT_EQ(in_doubt[0].properties, "\0properties"sv);
  EXPECT_EQ(in_doubt[0].payload, "\0payload"sv);
}

TEST_F(StoreTest, AnEventHandedOnIsInDoubtNoMore) {
  InsertMany(3);
  for (const std::uint64_t seq : {3U, 1U, 2U}) PutInDoubt(seq);
  EXPECT_THAT(InDoubt(), ElementsAre(1, 2, 3));
  InBatch([](Store::Batch& batch) {
    batch.DeleteInDoubt(2);
    batch.DeleteInDoubt(99);
  });
  EXPECT_THAT(InDoubt(), ElementsAre(1, 3));
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

// --- The window ----------------------------------------------------------------------------------

TEST_F(StoreTest, WhenRetentionIsTheWindowExpiredRowsGo) {
  InsertMany(10);
  EXPECT_TRUE(Expire(4, 4));
  EXPECT_THAT(Rows(), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(RememberedKeys(), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(store_->LoadState().forgotten_seq, 3U);
  EXPECT_TRUE(Insert(MakeEvent(11, "2"))) << "its id is new again";
  EXPECT_FALSE(Insert(MakeEvent(12, "4")));
}

TEST_F(StoreTest, WhenRetentionIsLongerExpiredRowsStay) {
  InsertMany(6);
  EXPECT_TRUE(Expire(4, 2));
  EXPECT_THAT(Rows(), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(RememberedKeys(), ElementsAre(4, 5, 6));
  EXPECT_TRUE(Insert(MakeEvent(7, "3", 7))) << "beside the expired row with the same key";
  EXPECT_FALSE(Insert(MakeEvent(8, "3", 8)));
  EXPECT_TRUE(Expire(8, kForever));
  EXPECT_THAT(Rows(), ElementsAre(2, 3, 4, 5, 6, 7));
  EXPECT_TRUE(Insert(MakeEvent(8, "3", 8)));
  EXPECT_THAT(RememberedKeys(), ElementsAre(8));
  EXPECT_TRUE(Expire(100, 8));
  EXPECT_THAT(Rows(), ElementsAre(8));
}

TEST_F(StoreTest, ExpiresAFewRowsAtATime) {
  InsertMany(10);
  EXPECT_FALSE(Expire(100, 100, 4));
  EXPECT_THAT(Rows(), ElementsAre(5, 6, 7, 8, 9, 10));
  EXPECT_THAT(RememberedKeys(), ElementsAre(5, 6, 7, 8, 9, 10));
  EXPECT_FALSE(Expire(100, 100, 4));
  EXPECT_TRUE(Expire(100, 100, 4));
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_TRUE(Expire(100, 100, 4));
}

TEST_F(StoreTest, WhatIsForgottenIsFreeAlsoWhenALongerRetentionIsShortened) {
  InsertMany(4);
  Expire(3, kForever);
  for (bool all = false; !all;) {
    all = Expire(100, 100, 2);
    for (const std::uint64_t id : {2U, 4U}) {
      Store::Batch batch(*store_, Store::Durability::kVisible);  // abandoned
      EXPECT_EQ(batch.Insert(MakeEvent(100, std::to_string(id))), id <= store_->LoadState().forgotten_seq);
    }
  }
  EXPECT_EQ(store_->LoadState().forgotten_seq, 4U);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(StoreTest, NothingExpiresWithinTheWindow) {
  InsertMany(5);
  EXPECT_TRUE(Expire(1, 1));
  EXPECT_TRUE(Expire(-1000, kForever));
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(store_->LoadState().forgotten_seq, 0U);
}

TEST_F(StoreTest, EventsInDoubtAndAllBehindThemStay) {
  InsertMany(5);
  PutInDoubt(3);
  EXPECT_TRUE(Expire(100, 100));
  EXPECT_THAT(Rows(), ElementsAre(3, 4, 5));
  EXPECT_THAT(RememberedKeys(), ElementsAre(3, 4, 5));
  InBatch([](Store::Batch& batch) { batch.DeleteInDoubt(3); });
  EXPECT_TRUE(Expire(100, 100));
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(StoreTest, EventsThatAreNotHandedOnStay) {
  InsertMany(5);
  EXPECT_TRUE(Expire(100, 100, 1000, 2));
  EXPECT_THAT(Rows(), ElementsAre(3, 4, 5));
  EXPECT_THAT(RememberedKeys(), ElementsAre(3, 4, 5));
}

TEST_F(StoreTest, AnEventInDoubtWithoutARowHoldsUpNothing) {
  InsertMany(5);
  InBatch([](Store::Batch& batch) { batch.InsertInDoubt(MakeEvent(2000, "x")); });
  EXPECT_THAT(InDoubt(), IsEmpty());
  EXPECT_TRUE(Expire(100, 100));
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(StoreTest, ATopicGoesWithItsLastEvent) {
  Insert(MakeEvent(1, "a", 1, "x"));
  Insert(MakeEvent(2, "b", 2, "y"));
  Insert(MakeEvent(3, "c", 3, "x"));
  Expire(3, 3);
  EXPECT_EQ(Text("SELECT group_concat(topic) FROM topics"), "x");
  Insert(MakeEvent(4, "d", 4, "y"));
  EXPECT_EQ(Text("SELECT topic FROM events JOIN topics USING(topic_id) WHERE seq = 4"), "y");
}

// --- Damage --------------------------------------------------------------------------------------

TEST_F(StoreTest, WhatIsNoDatabaseIsCorrupt) {
  Close();
  std::filesystem::remove(dir_ / "events.db");
  WriteFile(dir_ / "events.db", std::string(5000, 'x'));
  EXPECT_THROW(Open(), sqlite::CorruptDatabase);
}

TEST_F(StoreTest, AnEventInDoubtWithADamagedQosCanBeHandedOn) {
  for (const char* const qos : {"7", "-1", "256"}) {
    Insert(MakeEvent(1, "a"));
    PutInDoubt(1);
    Execute((std::string("UPDATE in_doubt SET qos = ") + qos).c_str());
    ASSERT_EQ(store_->LoadInDoubt().size(), 1U);
    EXPECT_EQ(store_->LoadInDoubt()[0].qos, 1) << qos;
  }
}

}  // namespace
}  // namespace dedup
