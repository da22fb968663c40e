#include "plugin/core/store/event_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Seqs = std::vector<std::uint64_t>;

struct Row {
  std::uint64_t seq;
  std::int64_t received_us;
  std::string topic;
  std::string event_id;
  std::optional<std::string> source;
  std::string rule = {};
  bool is_id_only = false;  // of the rule

  StoredEvent view() const {
    return {.seq = seq,
            .received_us = received_us,
            .topic = topic,
            .event_id = event_id,
            .rule = rule,
            .source = source ? std::optional<std::string_view>(*source) : std::nullopt,
            .payload = {}};
  }
};

class EventSearchTest : public testing::Test {
 protected:
  void Insert(const std::vector<Row>& rows) {
    Store::Batch batch(store_, Store::Durability::kVisible);
    for (const Row& row : rows) {
      const std::string payload = row.source ? R"({"source":")" + *row.source + R"("})" : "no source";
      ASSERT_TRUE(batch.Insert({.seq = row.seq,
                                .accepted = {.wall_us = row.received_us, .age_ms = 0},
                                .topic = row.topic,
                                .event_id = row.event_id,
                                .rule = {.name = row.rule, .key = {row.seq, 0}, .is_id_only = row.is_id_only},
                                .properties = {},
                                .payload = payload}));
      rows_.push_back(row);
    }
    batch.Commit();
  }
  /// Seqs 1 … count on topics "t/0" … "t/9", received at their own seq.
  void InsertMany(std::uint64_t count) {
    std::vector<Row> rows;
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
      rows.push_back({seq, static_cast<std::int64_t>(seq), "t/" + std::to_string(seq % 10), std::to_string(seq), {}});
    }
    Insert(rows);
  }

  /// All that is found, in as many runs as it takes, each of at most `limit` events.
  Seqs Find(const EventFilter& filter, EventRange range = {}, std::size_t limit = SIZE_MAX) {
    Seqs seqs;
    for (std::optional<EventRange> rest = range; rest;) {
      std::size_t count = 0;
      rest = search_.Run(filter, *rest, [&](const StoredEvent& event) {
        if (count == limit) return false;
        ++count;
        const auto row = std::ranges::lower_bound(rows_, event.seq, {}, &Row::seq);
        EXPECT_EQ(event.topic, row->topic);
        EXPECT_EQ(event.event_id, row->event_id);
        EXPECT_EQ(event.rule, row->rule);
        EXPECT_EQ(event.source, row->source);
        EXPECT_EQ(event.received_us, row->received_us);
        seqs.push_back(event.seq);
        return true;
      });
    }
    return seqs;
  }
  Seqs Expected(const EventFilter& filter, const EventRange& range) const {
    Seqs seqs;
    for (const Row& row : rows_) {
      if (row.seq >= range.first_seq && row.seq <= range.last_seq && filter.Matches(row.view()))
        seqs.push_back(row.seq);
    }
    if (range.newest_first) std::ranges::reverse(seqs);
    return seqs;
  }

  TempDir dir_;
  Store store_{dir_ / "events.db"};
  sqlite::Database database_{dir_ / "events.db", sqlite::Database::Mode::kReadOnly};
  EventSearch search_{database_};
  std::vector<Row> rows_;
};

EventFilter Topic(const std::string& topic) {
  EventFilter filter;
  filter.topic = topic;
  return filter;
}
EventFilter Within(std::vector<std::string> filters, const std::string& topic = {}) {
  EventFilter filter = Topic(topic);
  filter.within = std::move(filters);
  return filter;
}
EventFilter Id(const std::string& id) {
  EventFilter filter;
  filter.event_id = id;
  return filter;
}
EventFilter Source(const std::string& source) {
  EventFilter filter;
  filter.source = source;
  return filter;
}
EventFilter Rule(const std::string& rule) {
  EventFilter filter;
  filter.rule = rule;
  return filter;
}
EventFilter Key(const std::string& key) {
  EventFilter filter;
  filter.key = key;
  return filter;
}
EventFilter Times(std::int64_t since_us, std::int64_t until_us) {
  EventFilter filter;
  filter.since_us = since_us;
  filter.until_us = until_us;
  return filter;
}

TEST_F(EventSearchTest, EachConditionByItself) {
  Insert({{1, 10, "a", "x", "s"}, {2, 20, "a/b", "x", {}}, {3, 15, "b", "y", ""}, {5000, 30, "a", "z", "s"}});
  EXPECT_THAT(Find({}), ElementsAre(1, 2, 3, 5000));
  EXPECT_THAT(Find({}, {.newest_first = true}), ElementsAre(5000, 3, 2, 1));
  EXPECT_THAT(Find(Topic("a")), ElementsAre(1, 5000));
  EXPECT_THAT(Find(Topic("a/#")), ElementsAre(1, 2, 5000));
  EXPECT_THAT(Find(Topic("+")), ElementsAre(1, 3, 5000));
  EXPECT_THAT(Find(Topic("c")), IsEmpty());
  EXPECT_THAT(Find(Id("x")), ElementsAre(1, 2));
  EXPECT_THAT(Find(Id("X")), IsEmpty());
  EXPECT_THAT(Find(Source("s")), ElementsAre(1, 5000));
  EXPECT_THAT(Find(Source("")), ElementsAre(3));
  EXPECT_THAT(Find(Times(15, 30)), ElementsAre(2, 3));
  EXPECT_THAT(Find(Times(30, 31)), ElementsAre(5000));
  EXPECT_THAT(Find(Times(31, 40)), IsEmpty());
  EXPECT_THAT(Find(Times(30, 10)), IsEmpty());
}

TEST_F(EventSearchTest, EventsOfARule) {
  Insert({{1, 1, "a", "x", {}},
          {2, 1, "a", "x", {}, "mesh"},
          {3, 1, "b", "x", {}, "ble"},
          {4, 1, "b", "y", {}, "mesh", true},
          {5, 1, "b", "x", {}, "mesh"},
          {6, 1, "c", "y", {}}});
  EXPECT_THAT(Find(Rule("mesh")), ElementsAre(2, 4, 5)) << "be its rows with payloads or without";
  EXPECT_THAT(Find(Rule("mesh"), {.newest_first = true}, 1), ElementsAre(5, 4, 2));
  EXPECT_THAT(Find(Rule("ble")), ElementsAre(3));
  EXPECT_THAT(Find(Rule("other")), IsEmpty());
  EXPECT_THAT(Find(Rule("")), ElementsAre(1, 6));
  EXPECT_THAT(Find(Rule(""), {.newest_first = true}, 1), ElementsAre(6, 1));
  EXPECT_THAT(Find(Id("x")), ElementsAre(1)) << "the others' is a key";
  EXPECT_THAT(Find(Key("x")), ElementsAre(2, 3, 5));
  EventFilter filter = Rule("mesh");
  filter.key = "x";
  EXPECT_THAT(Find(filter), ElementsAre(2, 5));
  filter.topic = "b";
  EXPECT_THAT(Find(filter), ElementsAre(5));
  filter = Rule("mesh");
  filter.within = {"b"};
  EXPECT_THAT(Find(filter), ElementsAre(4, 5));
  filter.event_id = "x";
  EXPECT_THAT(Find(filter), IsEmpty()) << "no event has an id and a rule";
}

TEST_F(EventSearchTest, ARareRuleIsFoundByItsIndexAndRowsWithoutOneInParts) {
  std::vector<Row> rows;
  for (std::uint64_t seq = 1; seq <= 90'000; ++seq) {
    rows.push_back({seq, 1, "t", std::to_string(seq), {}, seq == 80'000 ? "rare" : "common", true});
  }
  rows.push_back({90'001, 1, "t", "x", {}});
  Insert(rows);
  Seqs seqs;
  EXPECT_FALSE(search_.Run(Rule("rare"), {}, [&](const StoredEvent& event) {
    seqs.push_back(event.seq);
    return true;
  })) << "one run";
  EXPECT_THAT(seqs, ElementsAre(80'000));
  EXPECT_TRUE(search_.Run(Rule(""), {}, [](const StoredEvent&) { return true; })) << "more than one run";
  EXPECT_THAT(Find(Rule("")), ElementsAre(90'001));
}

TEST_F(EventSearchTest, AnIdOnManyTopicsIsFoundInEachPartOfItsIndex) {
  std::vector<Row> rows;
  const auto add = [&](std::uint64_t seq, int topic, const std::string& id) {
    rows.push_back({seq, 1, "t/" + std::to_string(topic), id, {}});
  };
  for (int topic = 0; topic < 30'000; ++topic) add(static_cast<std::uint64_t>(topic) + 1, topic, "first");
  add(131'071, 3, "x");
  add(131'072, 2, "x");
  add(131'073, 1, "x");
  add(5'000'000, 4, "x");
  add(5'000'001, 4, "y");
  Insert(rows);
  EventFilter filter = Within({"t/#"});
  filter.event_id = "x";
  EXPECT_THAT(Find(filter), ElementsAre(131'071, 131'072, 131'073, 5'000'000));
  EXPECT_THAT(Find(filter, {.newest_first = true}, 1), ElementsAre(5'000'000, 131'073, 131'072, 131'071));
  EXPECT_THAT(Find(filter, {.first_seq = 131'072, .last_seq = 131'072}), ElementsAre(131'072));
  filter.topic = "t/2";
  EXPECT_THAT(Find(filter), ElementsAre(131'072));
  filter.topic = "t/5";
  EXPECT_THAT(Find(filter), IsEmpty());
  filter = Within({"t/#"});
  filter.event_id = "first";
  EXPECT_EQ(Find(filter).size(), 30'000U);
  EXPECT_EQ(Find(filter, {.newest_first = true}).size(), 30'000U);
}

TEST_F(EventSearchTest, WhatIsAskedForWithinOtherFilters) {
  Insert({{1, 10, "a", "x", "s"}, {2, 20, "a/b", "x", {}}, {3, 15, "b", "y", "s"}, {4, 30, "ab", "z", {}}});
  EXPECT_THAT(Find(Within({"a/#"})), ElementsAre(1, 2));
  EXPECT_THAT(Find(Within({"a/#", "+"})), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Find(Within({"a/#"}, "+")), ElementsAre(1));
  EXPECT_THAT(Find(Within({"a/#"}, "a/b")), ElementsAre(2));
  EXPECT_THAT(Find(Within({"a/#"}, "b")), IsEmpty());
  EXPECT_THAT(Find(Within({"c", "d/#"})), IsEmpty());
  EventFilter filter = Within({"a"});
  filter.event_id = "x";
  EXPECT_THAT(Find(filter), ElementsAre(1));
  filter = Within({"b"});
  filter.source = "s";
  EXPECT_THAT(Find(filter), ElementsAre(3));
}

TEST_F(EventSearchTest, ARangeHasItsEndsAndGoesOnWhereItStopped) {
  InsertMany(30);
  EXPECT_THAT(Find({}, {.first_seq = 3, .last_seq = 5}), ElementsAre(3, 4, 5));
  EXPECT_THAT(Find({}, {.first_seq = 5, .last_seq = 3}), IsEmpty());
  EXPECT_THAT(Find({}, {.first_seq = 3, .last_seq = 5, .newest_first = true}, 1), ElementsAre(5, 4, 3));
  EXPECT_THAT(Find(Topic("t/3"), {.first_seq = 4, .last_seq = 33}, 1), ElementsAre(13, 23));
  EXPECT_THAT(Find({}, {.first_seq = UINT64_MAX, .last_seq = UINT64_MAX}), IsEmpty());
  EXPECT_THAT(Find({}, {.first_seq = 0, .last_seq = 0}), IsEmpty());
}

TEST_F(EventSearchTest, ARareTopicIsFoundByItsIndexWithoutLookingAtAllRows) {
  InsertMany(20'000);
  Insert({{20'001, 1, "rare/a", "a", {}}, {20'002, 1, "rare", "b", {}}, {20'003, 1, "rarer", "c", {}}});
  // One run, though it looks at 2,000 rows only.
  Seqs seqs;
  EXPECT_FALSE(search_.Run(Topic("rare/#"), {}, [&](const StoredEvent& event) {
    seqs.push_back(event.seq);
    return true;
  }));
  EXPECT_THAT(seqs, ElementsAre(20'001, 20'002));
  EXPECT_THAT(Find(Within({"rare/#", "t/x", "+/a"})), ElementsAre(20'001, 20'002));
  EXPECT_THAT(Find(Within({"rare/#", "rare"}, "+/a")), ElementsAre(20'001));
  EXPECT_THAT(Find(Within({"+/a"}, "rare/#")), ElementsAre(20'001));
  EXPECT_THAT(Find(Topic("+/9"), {.first_seq = 19'980}), ElementsAre(19'989, 19'999));
  EXPECT_EQ(Find(Topic("+/9")).size(), 2000U);
  EXPECT_THAT(Find(Topic("+/a"), {.newest_first = true}), ElementsAre(20'001));
  EXPECT_THAT(Find(Topic("+/b")), IsEmpty());
}

TEST_F(EventSearchTest, EachEventHasItsOwnOfManyTopics) {
  std::vector<Row> rows;
  for (std::uint64_t seq = 1; seq <= 1500; ++seq) {
    rows.push_back({seq, 1, "t/" + std::to_string(seq * 7 % 600), std::to_string(seq), {}});
  }
  Insert(rows);
  EXPECT_EQ(Find({}).size(), 1500);  // which compares each topic
}

TEST_F(EventSearchTest, ALongSearchComesInParts) {
  InsertMany(30'000);
  int events = 0;
  const auto rest = search_.Run({}, {}, [&](const StoredEvent&) { return ++events > 0; });
  ASSERT_TRUE(rest) << "so that no transaction stays open for long";
  EXPECT_EQ(rest->first_seq, static_cast<std::uint64_t>(events) + 1);
}

TEST_F(EventSearchTest, ACallersExceptionLeavesItUsable) {
  InsertMany(3);
  const std::vector<EventFilter> filters = {{}, Topic("t/1"), Topic("+/1"), Id("1"), Times(1, 2)};
  for (const EventFilter& filter : filters) {
    EXPECT_THROW(search_.Run(filter, {}, [](const StoredEvent&) -> bool { throw std::runtime_error("enough"); }),
                 std::runtime_error);
    EXPECT_EQ(Find(filter), Expected(filter, {}));
  }
  EXPECT_TRUE(store_.Checkpoint()) << "no transaction is left open";
}

// Against a filter that looks at every event.
class RandomSearchTest : public EventSearchTest, public testing::WithParamInterface<unsigned> {};

TEST_P(RandomSearchTest, FindsWhatALookAtEachEventFinds) {
  std::mt19937 random(GetParam());
  const auto upto = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const unsigned topics = 1 + upto(50), sources = 1 + upto(5), ids = 1 + upto(1000);
  std::vector<Row> rows;
  std::uint64_t seq = 0;
  std::int64_t now_us = 1'000'000;
  for (int i = 0; i < 8000; ++i) {
    seq += upto(100) == 0 ? 1 + upto(5000) : 1;
    now_us += upto(1000) == 0 ? static_cast<std::int64_t>(upto(2'000'000)) - 1'000'000 : upto(1000);
    const unsigned topic = upto(topics);
    rows.push_back({seq, now_us, std::to_string(topic % 3) + "/" + std::to_string(topic) + (topic % 2 ? "/x" : ""),
                    std::to_string(upto(ids)) + "-" + (upto(2) ? std::to_string(seq) : "0"),
                    upto(3) ? std::optional("s" + std::to_string(upto(sources))) : std::nullopt});
    if (upto(3) == 0) rows.back().rule = "r" + std::to_string(upto(3));
    rows.back().is_id_only = !rows.back().rule.empty() && !rows.back().source && upto(2) == 0;
    if (rows.back().event_id.ends_with("-0")) rows.back().topic += "/" + std::to_string(seq);  // keys are unique
  }
  Insert(rows);
  const auto any_row = [&] { return rows[upto(static_cast<unsigned>(rows.size()))]; };
  for (int i = 0; i < 150; ++i) {
    EventFilter filter;
    const char* const wildcards[] = {"#", "+/+/x", "0/#", "1/+", "+/7/#", "+/40/x/+", "2/2/+", "nothing/#"};
    if (upto(3) == 0) filter.topic = any_row().topic;
    if (upto(3) == 0) filter.topic = wildcards[upto(std::size(wildcards))];
    if (upto(3) == 0) filter.within = {wildcards[upto(std::size(wildcards))], any_row().topic};
    if (upto(3) == 0) filter.source = "s" + std::to_string(upto(sources + 1));
    if (upto(6) == 0) filter.event_id = any_row().event_id;
    if (upto(6) == 0) filter.key = any_row().event_id;
    if (upto(4) == 0) filter.rule = any_row().rule;
    if (upto(3) == 0) filter.since_us = any_row().received_us;
    if (upto(3) == 0) filter.until_us = any_row().received_us;
    EventRange range{.newest_first = upto(2) == 0};
    if (upto(2) == 0) range.first_seq = any_row().seq;
    if (upto(2) == 0) range.last_seq = any_row().seq + upto(2);
    EXPECT_EQ(Find(filter, range, 1 + upto(300)), Expected(filter, range))
        << filter.topic << " " << filter.source.value_or("-") << " " << filter.event_id.value_or("-") << " "
        << filter.key.value_or("-") << " " << filter.rule.value_or("-") << " " << filter.since_us << " "
        << filter.until_us << " " << range.first_seq << " " << range.last_seq << " " << range.newest_first;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSearchTest, testing::Range(0U, 6U));

}  // namespace
}  // namespace dedup
