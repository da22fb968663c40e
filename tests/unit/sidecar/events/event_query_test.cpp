#include "http_sidecar/events/event_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace dedup::sidecar {
namespace {

using testing::Optional;
using testing::StartsWith;

constexpr std::int64_t kNowUs = 1'769'860'800'000'000;  // 2026-01-31T12:00:00Z

EventQuery Parsed(const std::string& query) {
  auto parsed = ParseEventQuery("/events?" + query, kNowUs);
  if (const auto* problem = std::get_if<Problem>(&parsed)) ADD_FAILURE() << problem->detail;
  return std::get<EventQuery>(std::move(parsed));
}

TEST(EventQueryTest, NothingAskedForIsEverything) {
  const EventQuery query = Parsed("");
  EXPECT_EQ(query.filter.topic, "");
  EXPECT_FALSE(query.filter.has_times() || query.filter.event_id || query.filter.source || query.limit);
  EXPECT_EQ(query.range.first_seq, EventRange{}.first_seq);
  EXPECT_EQ(query.range.last_seq, EventRange{}.last_seq);
  EXPECT_FALSE(query.range.newest_first);
}

TEST(EventQueryTest, ABarePlusIsTheWildcardWhereItIsALevel) {
  EXPECT_EQ(Parsed("topic=+").filter.topic, "+");
  EXPECT_EQ(Parsed("topic=a/+/b+c/+").filter.topic, "a/+/b c/+");
  EXPECT_EQ(Parsed("topic=a/%2B/%20/%23").filter.topic, "a/+/ /#");
  EXPECT_EQ(Parsed("topic=/").filter.topic, "/");
  EXPECT_EQ(Parsed("topic=").filter.topic, "");
}

TEST(EventQueryTest, Times) {
  EXPECT_EQ(Parsed("since=10m").filter.since_us, kNowUs - 600'000'000);
  EXPECT_TRUE(Parsed("since=10m").is_relative);
  EXPECT_EQ(Parsed("until=2026-01-31T12:00:00Z").filter.until_us, kNowUs);
  EXPECT_FALSE(Parsed("until=2026-01-31T12:00:00Z").is_relative);
  EXPECT_EQ(Parsed("since=2026-01-31T13:00:00.000001+01:00").filter.since_us, kNowUs + 1);
  EXPECT_EQ(Parsed("since=2026-01-31+12:00").filter.since_us, kNowUs);
}

TEST(EventQueryTest, Rules) {
  EXPECT_THAT(Parsed("rule=mesh-1_A").filter.rule, Optional(std::string("mesh-1_A")));
  EXPECT_THAT(Parsed("rule=default").filter.rule, Optional(std::string())) << "no rule of a file";
  EXPECT_THAT(Parsed("key=1%7C%C3%A9+%2B").filter.key, Optional(std::string("1|\u00e9 +")));
  EXPECT_THAT(Parsed("event_id=a%00b").filter.event_id, Optional(std::string("a\0b", 3))) << "JSON's may hold NUL";
}

TEST(EventQueryTest, ValuesAreDecoded) {
  EXPECT_THAT(Parsed("limit=%31%30").limit, Optional(10U));
  EXPECT_TRUE(Parsed("order=%64esc").range.newest_first);
}

TEST(EventQueryTest, SeqsAreExclusive) {
  EXPECT_EQ(Parsed("after_seq=7").range.first_seq, 8U);
  EXPECT_EQ(Parsed("before_seq=7").range.last_seq, 6U);
  EXPECT_EQ(Parsed("before_seq=0").range.last_seq, 0U);
  EXPECT_THAT(Parsed("limit=1000").limit, Optional(1000U));
}

TEST(EventQueryTest, TheNextTargetKeepsWhatWasAskedFor) {
  const auto next = [](const std::string& query, const EventRange& rest) {
    return NextTarget("/events?" + query, Parsed(query), rest);
  };
  EXPECT_EQ(next("topic=a%2Fb&limit=5", {.first_seq = 8}), "?topic=a%2Fb&limit=5&after_seq=7");
  EXPECT_EQ(next("after_seq=1&limit=5&%61fter_seq=2", {.first_seq = 8}), "?limit=5&after_seq=7");
  EXPECT_EQ(next("order=desc&limit=5&after_seq=1&before_seq=99", {.last_seq = 50, .newest_first = true}),
            "?order=desc&limit=5&after_seq=1&before_seq=51");
  EXPECT_EQ(next("since=10m&limit=5", {.first_seq = 8}), "?limit=5&since=2026-01-31T11:50:00.000000Z&after_seq=7");
}

TEST(EventQueryTest, AProblemNamesTheParameter) {
  for (const char* const query :
       {"topic=a#", "topic=%FF", "topic=a%00b", "since=x", "limit=0", "order=up", "order=DESC",
        "event_id=", "event_id=%FF", "source=%C3", "after_seq=", "after_seq=%2B1", "rule=", "rule=a.b", "rule=%00",
        "rule=a%2Bb", "rule=abcdefghijklmnopqrstuvwxyz1234567", "key=", "key=%FF"}) {
    const auto parsed = ParseEventQuery(std::string("/events?") + query, kNowUs);
    const auto* const problem = std::get_if<Problem>(&parsed);
    ASSERT_NE(problem, nullptr) << query;
    EXPECT_EQ(problem->type.name, "invalid-parameter");
    EXPECT_THAT(problem->detail, StartsWith(std::string(query).substr(0, std::string(query).find('=')) + " takes "));
  }
}

}  // namespace
}  // namespace dedup::sidecar
