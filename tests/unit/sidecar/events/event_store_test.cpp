#include "http_sidecar/events/event_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup::sidecar {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EventStoreTest : public DeduplicatorFixture {
 protected:
  std::vector<std::string> Ids() {
    std::vector<std::string> ids;
    store_.Read([&](EventReader& reader) {
      return reader.ReadEvents({}, {}, [&](const StoredEvent& event) {
        ids.emplace_back(event.event_id);
        return true;
      });
    });
    return ids;
  }

  EventStore store_{dir_.path()};
};

TEST_F(EventStoreTest, WhatWasAcknowledgedIsReadable) {
  Start();
  std::vector<std::string> accepted;
  for (int i = 0; i < 100; ++i) {
    accepted.push_back(std::to_string(i));
    Publish(accepted.back());
    const auto statistics = store_.AwaitStored();
    ASSERT_TRUE(statistics);
    EXPECT_EQ(statistics->processed, accepted.size());
    EXPECT_EQ(Ids(), accepted);
  }
  EXPECT_TRUE(store_.AwaitStored(100));
  EXPECT_GT(store_.DiskFreeBytes(), 0U);
}

TEST_F(EventStoreTest, ItsPatienceEnds) {
  Start();
  Publish("a");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(store_.AwaitStored(2));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, EventStore::kPatience);
  EXPECT_EQ(StoreIsBehind().type.status, 503);
  EXPECT_THAT(StoreIsBehind().detail, HasSubstr(std::to_string(EventStore::kPatience.count()) + " s behind"));
}

TEST_F(EventStoreTest, ReadsAgainAfterAnError) {
  try {
    store_.ReadStatistics();
    FAIL() << "there is nothing yet";
  } catch (const StorageError& error) {
    EXPECT_EQ(StoreTrouble(error).type.status, 503);
    EXPECT_THAT(StoreTrouble(error).detail, StartsWith("the event store cannot be read: "));
  }
  Start();
  EXPECT_EQ(store_.ReadStatistics().processed, 0U);
}

}  // namespace
}  // namespace dedup::sidecar
