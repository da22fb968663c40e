#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;

// What the journal's header held is lost or wrong; nothing that the rows can tell may be lost with it.
class DamagedHeaderTest : public DeduplicatorFixture {
 protected:
  std::filesystem::path database() const { return dir_ / Store::kFileName; }
  std::filesystem::path journal() const { return dir_ / JournalHeader::kFileName; }
};

// The age clock's state is gone with the journal: time goes on from the newest row.
TEST_F(DamagedHeaderTest, WithoutTheJournalNoIdIsForgottenEarly) {
  options_.window = options_.retention = std::chrono::hours(24);
  Start();
  Stop();
  // A machine without a clock of its own: 1970 at the first start.
  std::int64_t age_ms = 1000;
  Overwrite(journal(), offsetof(JournalHeader, clock.age_ms), {reinterpret_cast<const char*>(&age_ms), 8});
  Start();
  Publish("a");
  Turn(2);
  Rows();
  Stop();
  Overwrite(journal(), 0, "garbage");
  Start();
  std::this_thread::sleep_for(200ms);
  Turn();
  EXPECT_EQ(VerdictOf("a"), kDuplicate) << "accepted a moment ago, window 24h";
}

// The copy that claims an event in doubt is a later retained message for the events in doubt before it.
TEST_F(DamagedHeaderTest, AnOlderRetainedEventInDoubtDoesNotReplaceANewerOne) {
  Message older = MakeMessage(R"({"event_id":"older"})"), newer = MakeMessage(R"({"event_id":"newer"})");
  older.retain = newer.retain = true;
  KilledAfter([&] {
    Send(older);
    Send(newer);
  });
  options_.recovery_delay = 200ms;
  Start();
  EXPECT_EQ(Send(newer).verdict, kProcessed);
  std::optional<EventInDoubt> event;
  EXPECT_TRUE(Eventually([&] { return (event = dedup_->TakeOverdue()).has_value(); }));
  EXPECT_FALSE(event->retain) << event->event_id;
}

// Where the state cannot be salvaged, forgotten_seq is 0: then the rows' own mark tells.
TEST_F(DamagedHeaderTest, WithoutAStateExpiredRowsAreNotRemembered) {
  std::vector<std::uint64_t> seqs;
  {
    Store store(database());
    Store::Batch batch(store, Store::Durability::kVisible);
    Event event;
    event.topic = "t";
    event.event_id = "a";
    event.seq = 1;
    batch.InsertSalvaged(event, 1);
    event.seq = 2;
    batch.InsertSalvaged(event, 0);
    batch.Commit();
    store.ForEachKey(0, UINT32_MAX,
                     [&](std::uint64_t seq, std::string_view, std::string_view) { seqs.push_back(seq); });
  }
  EXPECT_THAT(seqs, ElementsAre(2));
}

// One flipped bit in the header.
TEST_F(DamagedHeaderTest, AWatermarkBeyondEverySeqTakesNothingOutOfDoubt) {
  KilledAfter([this] { Publish("a"); });
  Overwrite(journal(), offsetof(JournalHeader, handed_on_seq) + 6, "\x10");
  options_.recovery_delay = 0ms;
  Start();
  EXPECT_THAT(TakeOverdue(), ElementsAre(1)) << TakeLog();
}

}  // namespace
}  // namespace dedup
