#include "http_sidecar/publish/firsts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http_sidecar/publish/parse_batch.h"
#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup::sidecar {
namespace {

bool IsSamePayload(std::string_view message, std::string_view other_message) {
  const auto hash_of = [](std::string_view payload) {
    return HashOfPayload({.seq = 1, .received_us = 0, .topic = "t", .event_id = "a", .payload = payload});
  };
  return hash_of(message) == hash_of(other_message);
}

TEST(SamePayloadTest, WhitespaceBetweenTokensDoesNotCount) {
  EXPECT_TRUE(
      IsSamePayload(R"({"payload":{"a":[1,"x y"]}})", "{\"x\":1, \"payload\" : {\n\"a\": [ 1,\t\"x y\" ]}\r\n}"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":"x y"})", R"({"payload":"xy"})"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":"\" x"})", R"({"payload":"\"x"})"));
  EXPECT_TRUE(IsSamePayload(R"({"payload":"\" x"})", R"({"payload":"\" x"})"));
  EXPECT_FALSE(IsSamePayload(R"({"payload":1})", R"({"payload":1.0})"));
}

TEST(SamePayloadTest, NoneIsLikeNone) {
  constexpr char kPosted[] = R"({"topic":"t","event_id":"a","timestamp":"2024-01-01"})";
  EXPECT_TRUE(IsSamePayload(kPosted, R"({"topic":"t","event_id":"a","timestamp":"2025-01-01","source":"s"})"));
  EXPECT_FALSE(IsSamePayload(kPosted, R"({"topic":"t","event_id":"a","timestamp":"2024-01-01","payload":null})"));
  EXPECT_FALSE(IsSamePayload(kPosted, "no JSON"));
}

TEST(SamePayloadTest, WithoutOneTheWholeMessageIs) {
  EXPECT_FALSE(IsSamePayload(R"({"a":1})", R"({"b":2})"));
  EXPECT_TRUE(IsSamePayload(R"({"a":1})", R"( { "a" : 1 } )"));
  EXPECT_TRUE(IsSamePayload(R"({"payload":{"a":1},"v":2})", R"({"a":1})"));
  EXPECT_TRUE(IsSamePayload("[1]", R"({"payload":[ 1 ]})"));
  EXPECT_TRUE(IsSamePayload("no JSON", "no JSON"));
  EXPECT_FALSE(IsSamePayload("no JSON", "noJSON"));
}

class FirstsTest : public DeduplicatorFixture {
 protected:
  static std::string EventText(std::string_view id, std::string_view payload) {
    return R"({"topic":"t","event_id":")" + std::string(id) + R"(","timestamp":"2024-01-01","payload":)" +
           std::string(payload) + "}";
  }
  static std::shared_ptr<Batch> MakeBatch(const std::string& events) {
    return std::get<std::shared_ptr<Batch>>(ParseBatch("[" + events + "]"));
  }

  EventStore store_{dir_.path()};
};

TEST_F(FirstsTest, ADuplicateIsComparedWithItsFirst) {
  Start();
  const Outcome first = Send(EventText("a", R"({"n":1})"));
  const auto batch =
      MakeBatch(EventText("a", R"({"n": 1})") + "," + EventText("a", R"({"n":2})") + "," + EventText("b", "3"));
  const Outcome duplicate{kDuplicate, first.seq};
  const auto looked_up = LookUpFirsts(&store_, Caller::Anybody(), *batch, {duplicate, duplicate, {kProcessed, 2}});
  const auto& results = std::get<std::vector<Result>>(looked_up);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].outcome, duplicate);
  EXPECT_TRUE(results[0].first_received_us);
  EXPECT_FALSE(results[0].is_conflict) << "whitespace does not count";
  EXPECT_EQ(results[1].first_received_us, results[0].first_received_us);
  EXPECT_TRUE(results[1].is_conflict);
  EXPECT_FALSE(results[2].first_received_us) << "it is a first itself";
  EXPECT_FALSE(results[2].is_conflict);
}

TEST_F(FirstsTest, NothingIsSaidOfAFirstThatHasGoneOrMayNotBeRead) {
  Start();
  const Outcome first = Send(EventText("a", "1"));
  const auto batch = MakeBatch(EventText("a", "2"));
  const auto result_for = [&](const Caller& caller, std::uint64_t seq) {
    return std::get<std::vector<Result>>(LookUpFirsts(&store_, caller, *batch, {{kDuplicate, seq}})).at(0);
  };
  const auto token =
      std::make_shared<const Token>(Token{.name = "gateway", .hash = {}, .publish = {"#"}, .read = {"elsewhere/#"}});
  EXPECT_TRUE(result_for(Caller::Anybody(), first.seq).is_conflict);
  const Result unseen = result_for(Caller(token), first.seq);
  EXPECT_FALSE(unseen.first_received_us || unseen.is_conflict);
  // Where topics share a key, the first may have come on one that the caller may not read.
  const auto reads_t =
      std::make_shared<const Token>(Token{.name = "gateway", .hash = {}, .publish = {"#"}, .read = {"t"}});
  EXPECT_TRUE(result_for(Caller(reads_t), first.seq).is_conflict);
  const std::string on_another = EventText("a", "3");
  const Outcome hidden = Send(MakeMessage(on_another, "u"));
  const Result unreadable = result_for(Caller(reads_t), hidden.seq);
  EXPECT_FALSE(unreadable.first_received_us || unreadable.is_conflict);
  Stop();
  sqlite::Database(dir_.path() / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate)
      .Execute("DELETE FROM events");
  const Result gone = result_for(Caller::Anybody(), first.seq);
  EXPECT_FALSE(gone.first_received_us || gone.is_conflict);
}

TEST_F(FirstsTest, AFirstThatIsNotStoredInTimeIsNotGuessedAt) {
  Start();
  const auto batch = MakeBatch(EventText("a", "1"));
  const auto looked_up = LookUpFirsts(&store_, Caller::Anybody(), *batch, {{kDuplicate, 17}});
  ASSERT_TRUE(std::holds_alternative<Problem>(looked_up));
  EXPECT_EQ(std::get<Problem>(looked_up).type.name, "store-unavailable");
}

}  // namespace
}  // namespace dedup::sidecar
