#include "plugin/core/observe/rule_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr HashSecret kSecret = {4, 5, 6};

class RuleObserverTest : public testing::Test {
 protected:
  void Observe(const std::string& key, const std::string& payload, std::int64_t at_ms,
               const std::string& client = "gateway-1", const std::string& topic = "a/b") {
    const KeyHash hash = HashKey(kSecret, "", key);
    observer_->Note(hash, {topic, payload, client, {}, {}}, at_ms, [&] {
      ++texts_;
      return std::string_view(key);
    });
  }
  static std::vector<std::string> Names(const std::vector<TopList::Row>& rows) {
    std::vector<std::string> names;
    for (const TopList::Row& row : rows) names.push_back(row.text + " " + std::to_string(row.events));
    return names;
  }

  ObserverTools tools_{kSecret};
  std::optional<RuleObserver> observer_{std::in_place, tools_, RuleObserver::Room{1024, 8}, 60'000, false};
  int texts_ = 0;
};

TEST_F(RuleObserverTest, TellsFirstMessagesFromCopies) {
  Observe("1", "a", 0);
  Observe("2", "b", 10);
  EXPECT_EQ(texts_, 0) << "a first message's text is not needed";
  Observe("1", "a", 300);
  Observe("2", "c", 600);
  Observe("1", "a", 59'999);
  Observe("1", "a", 60'000);  // the window is over
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.firsts, 3u);
  EXPECT_EQ(seen.copies, 3u);
  EXPECT_EQ(seen.same_payload, 2u);
  EXPECT_EQ(seen.gap_max_ms, 59'999u);
  EXPECT_NEAR(static_cast<double>(seen.gap_p50_ms), 590, 80);
  EXPECT_THAT(Names(seen.keys), ElementsAre("1 2", "2 1"));
}

TEST_F(RuleObserverTest, CountsWhereCopiesComeFrom) {
  Observe("1", "a", 0, "gateway-1", "gw/1");
  Observe("1", "a", 1, "gateway-2", "gw/2");
  Observe("1", "a", 2, "gateway-3", "gw/2");
  Observe("1", "a", 3, "gateway-1", "gw/1");
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.other_client, 2u);
  EXPECT_EQ(seen.other_topic, 2u);
  EXPECT_EQ(seen.clients, 3u);
  EXPECT_EQ(seen.topics, 2u);
}

TEST_F(RuleObserverTest, NamesWhatCopiesChangeMost) {
  for (int i = 0; i < 10; ++i) {
    const std::string key = std::to_string(i);
    const auto payload = [&](int rssi, int hops) {
      return R"({"id":)" + key + R"(,"rssi":)" + std::to_string(rssi) + R"(,"hops":)" + std::to_string(hops) + "}";
    };
    Observe(key, payload(-70, 1), 1000 * i);
    Observe(key, payload(-71, i < 3 ? 2 : 1), 1000 * i + 20);
  }
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.differing, 10u);
  EXPECT_THAT(Names(seen.places), ElementsAre("/rssi 10", "/hops 3"));
}

TEST_F(RuleObserverTest, PayloadsOfARuleWithFieldsAreProtobuf) {
  observer_.emplace(tools_, RuleObserver::Room{1024, 8}, 60'000, true);
  Observe("1", "\x08\x01\x10\x02", 0);
  Observe("1", "\x08\x01\x10\x03", 20);
  EXPECT_THAT(Names(observer_->Report().places), ElementsAre("pb:2 1"));
}

TEST_F(RuleObserverTest, ComparesSeldomEnough) {
  for (int i = 0; i < 1000; ++i) {
    Observe(std::to_string(i), "[1]", i);
    Observe(std::to_string(i), "[2]", i);
  }
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.copies, 1000u);
  EXPECT_GE(seen.differing, 90u);
  EXPECT_LE(seen.differing, 100u);
}

TEST_F(RuleObserverTest, ShowsFiveCopiesOfFiveKeysTheNewestFirst) {
  for (int i = 0; i < 8; ++i) {
    const std::string key = std::to_string(i);
    Observe(key, "first", 10'000 * i, "c1", "t/1");
    Observe(key, "first", 10'000 * i + 1200, "c2", "t/2");
    Observe(key, "copy", 10'000 * i + 3300, "c3", "t/3");
  }
  const std::vector<CopySample> samples = observer_->Report().samples;
  ASSERT_THAT(samples, SizeIs(RuleObserver::kSamplesMax));
  EXPECT_EQ(samples[0].key, "7");
  EXPECT_EQ(samples[4].key, "3");
  EXPECT_FALSE(samples[0].has_same_payload);
  EXPECT_EQ(samples[0].gap_ms, 3300);
  EXPECT_EQ(samples[0].first.topic, "t/1");
  EXPECT_EQ(samples[0].first.client_id, "c1");
  EXPECT_EQ(samples[0].first.payload, "first");
  EXPECT_EQ(samples[0].copy.topic, "t/3");
  EXPECT_EQ(samples[0].copy.client_id, "c3");
  EXPECT_EQ(samples[0].copy.payload, "copy");
}

TEST_F(RuleObserverTest, OfALargePayloadTheBeginningIsShownAndTheRestIsNotCopied) {
  const std::string large(100'000, 'x');
  Observe("1", "small", 0);
  Observe("1", large, 20);
  const std::vector<CopySample> samples = observer_->Report().samples;
  ASSERT_THAT(samples, SizeIs(1));
  EXPECT_EQ(samples[0].copy.payload, large.substr(0, RuleObserver::kSampleBytesMax));
  EXPECT_EQ(samples[0].copy.payload_bytes, large.size());
  EXPECT_THAT(Names(observer_->Report().places), ElementsAre("payload 1"));
}

TEST_F(RuleObserverTest, SaysWhenItsMemoryDidNotReachAWholeWindow) {
  observer_.emplace(tools_, RuleObserver::Room{8, 1}, 60'000, false);
  for (int i = 0; i < 8; ++i) Observe(std::to_string(i), "a", 1000 * i);
  EXPECT_EQ(observer_->Report().keys_forgotten_early, 0u);
  for (int i = 8; i < 20; ++i) Observe(std::to_string(i), "a", 1000 * i);
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.keys_forgotten_early, 12u);
  EXPECT_EQ(seen.reach_ms, 8000);
  EXPECT_EQ(seen.keys_remembered, 8u);
  EXPECT_EQ(seen.keys_max, 8u);
}

TEST_F(RuleObserverTest, InAnotherRoomItsKeysAreForgottenAndWhatItCountedStays) {
  Observe("1", "a", 0);
  Observe("1", "a", 20);
  RuleObserver other(tools_, {64, 2}, 60'000, false);
  observer_->SwapRoom(other);
  EXPECT_EQ(observer_->room(), (RuleObserver::Room{64, 2}));
  Observe("1", "a", 40);
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.firsts, 2u);
  EXPECT_EQ(seen.copies, 1u);
  EXPECT_EQ(seen.keys_max, 64u);
}

TEST_F(RuleObserverTest, NothingSeenIsAReportToo) {
  const Observations seen = observer_->Report();
  EXPECT_EQ(seen.firsts + seen.copies, 0u);
  EXPECT_EQ(seen.gap_p99_ms, 0u);
  EXPECT_THAT(seen.keys, IsEmpty());
  EXPECT_THAT(seen.samples, IsEmpty());
}

}  // namespace
}  // namespace dedup
