// A store that comes and goes, and what stands in its tables.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {

inline constexpr std::int64_t kForever = INT64_MIN;

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Open(); }

  void Open() {
    store_.reset();
    store_.emplace(dir_ / Store::kFileName);
  }
  void Close() { store_.reset(); }

  static Event MakeEvent(std::uint64_t seq, std::string_view event_id, std::int64_t age_ms = 0,
                         std::string_view topic = "t") {
    return {.seq = seq,
            .accepted = {.wall_us = 1'769'903'999'123'456, .age_ms = age_ms},
            .qos = 1,
            .retain = false,
            .topic = topic,
            .event_id = event_id,
            .properties = "",
            .payload = "payload"};
  }
  template <class Body>
  void InBatch(Body body) {
    Store::Batch batch(*store_, Store::Durability::kVisible);
    body(batch);
    batch.Commit();
  }
  bool Insert(const Event& event) {
    bool inserted = false;
    InBatch([&](Store::Batch& batch) { inserted = batch.Insert(event); });
    return inserted;
  }
  /// An event whose key a rule has made, of its seq alone.
  static Event MakeRuleEvent(std::uint64_t seq, std::string_view rule, std::int64_t window_ms,
                             std::int64_t age_ms = 0) {
    Event event = MakeEvent(seq, "same text", age_ms);
    event.rule = {.name = rule, .key = {.high = seq, .low = ~seq}, .window_ms = window_ms, .is_id_only = false};
    return event;
  }
  /// The seqs of rules' keys, with their windows.
  std::vector<std::pair<std::int64_t, std::uint64_t>> RuleKeys(std::uint64_t last_seq = UINT32_MAX) {
    std::vector<std::pair<std::int64_t, std::uint64_t>> keys;
    store_->ForEachRuleKey(last_seq, [&](const RuleKey& key) {
      EXPECT_EQ(key.key, (KeyHash{.high = key.seq, .low = ~key.seq}));
      keys.emplace_back(key.window_ms, key.seq);
    });
    return keys;
  }
  bool ExpireRuleKeys(std::int64_t now_ms, std::uint64_t forgotten_seq = 0, int rows_max = 1000) {
    bool all = false;
    InBatch([&](Store::Batch& batch) { all = batch.ExpireRuleKeys(now_ms, forgotten_seq, rows_max); });
    return all;
  }
  /// Events 1 … count, with the ids "1" … and the ages 1 … count.
  void InsertMany(std::uint64_t count) {
    InBatch([&](Store::Batch& batch) {
      for (std::uint64_t seq = 1; seq <= count; ++seq) {
        EXPECT_TRUE(batch.Insert(MakeEvent(seq, std::to_string(seq), static_cast<std::int64_t>(seq))));
      }
    });
  }
  void PutInDoubt(std::uint64_t seq) {
    InBatch([&](Store::Batch& batch) { batch.InsertInDoubt(MakeEvent(seq, std::to_string(seq))); });
  }
  /// Forgets what is older than window_start_ms, deletes what is older than retention_start_ms.
  bool Expire(std::int64_t window_start_ms, std::int64_t retention_start_ms, int rows_max = 1000,
              std::uint64_t handed_on_seq = UINT64_MAX) {
    StoreState state = store_->LoadState();
    bool all = false;
    InBatch([&](Store::Batch& batch) {
      all = batch.Expire(window_start_ms, retention_start_ms, rows_max, handed_on_seq, &state);
      batch.SaveState(state);
    });
    return all;
  }

  std::vector<std::uint64_t> Rows() { return Numbers("SELECT seq FROM events ORDER BY seq"); }
  std::vector<std::uint64_t> RememberedKeys() {
    std::vector<std::uint64_t> seqs;
    store_->ForEachKey(0, UINT32_MAX,
                       [&](std::uint64_t seq, std::string_view, std::string_view) { seqs.push_back(seq); });
    return seqs;
  }
  std::vector<std::uint64_t> InDoubt() {
    std::vector<std::uint64_t> seqs;
    for (const EventInDoubt& event : store_->LoadInDoubt()) seqs.push_back(event.seq);
    return seqs;
  }
  std::vector<std::uint64_t> Numbers(const char* sql) {
    sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
    sqlite::Statement rows(database, sql);
    std::vector<std::uint64_t> numbers;
    while (rows.Step()) numbers.push_back(static_cast<std::uint64_t>(rows.Integer(0)));
    return numbers;
  }
  std::string Text(const char* sql) {
    sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
    sqlite::Statement row(database, sql);
    return row.Step() ? std::string(row.Bytes(0)) : "no row";
  }
  void Execute(const char* sql) {
    sqlite::Database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate).Execute(sql);
  }

  TempDir dir_;
  std::optional<Store> store_;
};

}  // namespace dedup
