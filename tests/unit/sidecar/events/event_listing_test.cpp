#include "http_sidecar/events/event_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin/core/journal/journal.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup::sidecar {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kEvents = 30'000;  // more than one run of a search looks at

class EventListingTest : public testing::Test {
 protected:
  // Only the last one has a source.
  EventListingTest() {
    Journal::Create(dir_.path(), Journal::kRingBytesMin, {});
    Store store(dir_ / Store::kFileName);
    Store::Batch batch(store, Store::Durability::kVisible);
    for (std::uint64_t seq = 1; seq <= kEvents; ++seq) {
      EXPECT_TRUE(batch.Insert({.seq = seq,
                                .accepted = {.wall_us = 0, .age_ms = 0},
                                .topic = "t",
                                .event_id = std::to_string(seq),
                                .rule = {},
                                .properties = {},
                                .payload = seq == kEvents ? R"({"source":"s"})" : "{}"}));
    }
    batch.Commit();
  }

  EventListing List(const EventRange& range) {
    EventFilter filter;
    filter.within = {"#"};  // so that there is no index for the source
    filter.source = "s";
    return EventListing(&store_, &memory_, kJsonFormat, filter, range, 10);
  }

  TempDir dir_;
  EventStore store_{dir_.path()};
  FairBudget budget_{1 << 20};
  FairBudget::Share memory_{&budget_, "a client"};
};

TEST_F(EventListingTest, EndsWhereTheTimeIsOverAndSaysWhereToGoOn) {
  std::string page;
  EventListing first = List({});
  EXPECT_FALSE(first.AppendNext(&page, EventListing::Clock::now()));
  first.End(&page);
  EXPECT_EQ(page, std::string(kJsonFormat.begin).append(kJsonFormat.end)) << "a whole list without an event";
  ASSERT_TRUE(first.rest());
  EXPECT_GT(first.rest()->first_seq, 1U) << "each gets on";
  EXPECT_LT(first.rest()->first_seq, kEvents);

  page.clear();
  EventListing second = List(*first.rest());
  EXPECT_FALSE(second.AppendNext(&page));
  EXPECT_THAT(page, HasSubstr("\"seq\":30000"));
  EXPECT_FALSE(second.rest());
}

}  // namespace
}  // namespace dedup::sidecar
