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
  for (const char* const query : {"topic=a#", "since=x", "limit=0", "order=up", "event_id=", "after_seq="}) {
    const auto parsed = ParseEventQuery(std::string("/events?") + query, kNowUs);
    const auto* const problem = std::get_if<Problem>(&parsed);
    ASSERT_NE(problem, nullptr) << query;
    EXPECT_EQ(problem->type.name, "invalid-parameter");
    EXPECT_THAT(problem->detail, StartsWith(std::string(query).substr(0, std::string(query).find('=')) + " takes "));
  }
}

}  // namespace
}  // namespace dedup::sidecar
