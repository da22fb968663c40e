#include "http_sidecar/publish/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "http_sidecar/publish/parse_batch.h"
#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup::sidecar {
namespace {

using testing::StartsWith;

// What it says before a broker is asked; tests/sidecar has one.
class IntakeTest : public DeduplicatorFixture {
 protected:
  // A batch of one event, whose payload is that large.
  static std::shared_ptr<Batch> MakeBatch(std::size_t payload_bytes = 0) {
    return std::get<std::shared_ptr<Batch>>(ParseBatch(R"([{"topic":"t/1","event_id":"a","timestamp":"2024-01-01",)"
                                                       R"("payload":")" +
                                                       std::string(payload_bytes, 'x') + "\"}]"));
  }
  std::string ProblemOf(const std::shared_ptr<Batch>& batch, const Caller& caller = Caller::Anybody()) {
    const auto published = intake_.Publish(caller, batch, {});
    const auto* const problem = std::get_if<Problem>(&published);
    return problem == nullptr ? "" : std::string(problem->type.name) + ": " + problem->detail;
  }

  // Nobody listens there.
  Publisher publisher_{{.host = "127.0.0.1", .port = 1}};
  EventStore store_{dir_.path()};
  Intake intake_{&publisher_, &store_};
};

TEST_F(IntakeTest, AnEmptyBatchNeedsNoBroker) {
  const auto published = intake_.Publish(Caller::Anybody(), std::make_shared<Batch>(), {.full_results = true});
  EXPECT_TRUE(std::get<std::vector<Result>>(published).empty());
}

TEST_F(IntakeTest, ACallerPublishesWithinHisScope) {
  const auto scoped = [](const char* filter) {
    return Caller(std::make_shared<const Token>(Token{.name = "gw", .hash = {}, .publish = {filter}, .read = {}}));
  };
  EXPECT_EQ(ProblemOf(MakeBatch(), scoped("u/#")),
            R"(scope-missing: events[0].topic: the token "gw" lacks the scope publish for "t/1")");
  EXPECT_THAT(ProblemOf(MakeBatch(), scoped("t/#")), StartsWith("broker-unavailable: "));
}

TEST_F(IntakeTest, ABatchIsPublishedAsTheOptionsSay) {
  const auto batch = MakeBatch();
  intake_.Publish(Caller::Anybody(), batch, {.qos = 2, .retain = true});
  EXPECT_EQ(batch->qos, 2);
  EXPECT_TRUE(batch->retain);
}

TEST_F(IntakeTest, AnEventThatNoJournalCanHoldIsTooLarge) {
  Start();
  EXPECT_EQ(ProblemOf(MakeBatch(Journal::kRingBytesMin)), "too-large: events[0]: is larger than the plugin's journal");
  EXPECT_THAT(ProblemOf(MakeBatch(Journal::kRingBytesMin / 2)), StartsWith("broker-unavailable: "));
}

TEST_F(IntakeTest, ALargeBatchNeedsTheStoreAndASmallOneDoesNot) {
  EXPECT_THROW(ProblemOf(MakeBatch(64 * 1024)), StorageError);
  EXPECT_THAT(ProblemOf(MakeBatch()), StartsWith("broker-unavailable: "));
}

}  // namespace
}  // namespace dedup::sidecar
