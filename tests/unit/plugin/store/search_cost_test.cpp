// What a search within some topics costs tells nothing of the others: counted in steps of SQLite's virtual machine.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "plugin/core/store/event_search.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

sqlite3* opened_last = nullptr;

int NoteOpened(sqlite3* database, char**, const sqlite3_api_routines*) {
  opened_last = database;
  return SQLITE_OK;
}

/// The connections that are opened in its life are noted.
class Noting {
 public:
  Noting() { sqlite3_auto_extension(kNote); }
  ~Noting() { sqlite3_cancel_auto_extension(kNote); }
  Noting(const Noting&) = delete;
  Noting& operator=(const Noting&) = delete;

 private:
  static inline void (*const kNote)() = reinterpret_cast<void (*)()>(NoteOpened);
};

constexpr std::uint64_t kRows = 12'000;
constexpr std::uint64_t kRowsApart = 40;  // those of the reader

/// Every value that is called "elsewhere" is that of most rows that the reader may not see, "here" of one of theirs.
class SearchCostTest : public testing::Test {
 protected:
  SearchCostTest() {
    Store::Batch batch(store_, Store::Durability::kVisible);
    for (std::uint64_t seq = 1; seq <= kRows; ++seq) {
      const bool is_theirs = seq % kRowsApart == 0;
      const std::string here = seq == kRows / 2 ? "here" : std::to_string(seq);
      const std::string value = is_theirs ? here : "elsewhere";
      const std::string topic = is_theirs ? "mine/" + std::to_string(seq % 3) : "others/" + std::to_string(seq);
      const std::string payload = R"({"source":")" + value + R"("})";
      EXPECT_TRUE(batch.Insert({.seq = seq,
                                .accepted = {.wall_us = 1, .age_ms = 0},
                                .topic = topic,
                                .event_id = value,
                                .rule = {.name = seq % 2 == 0 || is_theirs ? value : "", .key = {seq, 0}},
                                .properties = {},
                                .payload = payload}));
    }
    batch.Commit();
    const Noting noting;
    database_.emplace(store_.path(), sqlite::Database::Mode::kReadOnly);
    search_.emplace(*database_);
  }

  /// Steps that a search to its end takes, and how many events it finds.
  std::pair<int, int> Cost(const EventFilter& filter, bool newest_first) {
    return Cost(filter, EventRange{.newest_first = newest_first});
  }
  std::pair<int, int> Cost(const EventFilter& filter, const EventRange& range) {
    TakeSteps();
    int events = 0;
    for (std::optional<EventRange> rest = range; rest;) {
      rest = search_->Run(filter, *rest, [&](const StoredEvent&) { return ++events > 0; });
    }
    return {TakeSteps(), events};
  }

  TempDir dir_;
  Store store_{dir_ / "events.db"};
  std::optional<sqlite::Database> database_;
  std::optional<EventSearch> search_;

 private:
  static int TakeSteps() {
    int steps = 0;
    for (sqlite3_stmt* statement = nullptr; (statement = sqlite3_next_stmt(opened_last, statement)) != nullptr;) {
      steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, /*resetFlg=*/1);
    }
    return steps;
  }
};

TEST_F(SearchCostTest, WhatIsFrequentElsewhereCostsAsMuchAsWhatIsNowhere) {
  using Member = std::optional<std::string> EventFilter::*;
  for (const Member member : {&EventFilter::event_id, &EventFilter::key, &EventFilter::source, &EventFilter::rule}) {
    for (const std::string topic : {"", "mine/0", "mine/+"}) {
      for (const bool newest_first : {false, true}) {
        const auto cost = [&](const std::string& value) {
          EventFilter filter;
          filter.within = {"mine/#"};
          filter.topic = topic;
          filter.*member = value;
          return Cost(filter, newest_first);
        };
        const auto [steps, events] = cost("nowhere");
        EXPECT_GT(steps, 0);
        EXPECT_EQ(events, 0);
        EXPECT_EQ(cost("elsewhere"), std::pair(steps, 0)) << topic;
        EXPECT_EQ(cost("here").second, member == &EventFilter::event_id ? 0 : 1) << "it has a rule";
      }
    }
  }
}

TEST_F(SearchCostTest, OneEventIsLookedUpAsARow) {
  EventFilter filter;
  const EventRange mine{.first_seq = kRowsApart, .last_seq = kRowsApart};
  const int row = Cost(filter, mine).first;
  filter.within = {"mine/#"};
  EXPECT_EQ(Cost(filter, mine), std::pair(row, 1));
  const auto [steps, events] = Cost(filter, {.first_seq = kRowsApart + 1, .last_seq = kRowsApart + 1});
  EXPECT_EQ(events, 0);
  EXPECT_LE(steps, row + 50);
}

TEST_F(SearchCostTest, WhoMayReadAllIsServedByTheIndexes) {
  EventFilter filter;
  const int all = Cost(filter, false).first;
  for (const auto member : {&EventFilter::key, &EventFilter::source, &EventFilter::rule}) {
    filter = {};
    filter.*member = "here";
    const auto [steps, events] = Cost(filter, false);
    EXPECT_EQ(events, 1);
    EXPECT_LT(steps, all / 100);
  }
}

}  // namespace
}  // namespace dedup
