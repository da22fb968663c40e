#include "plugin/core/store/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/failing_disk.h"

namespace dedup {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EventReaderTest : public DeduplicatorFixture {
 protected:
  /// Events 1 … count; those with an odd seq on topic "odd", the others on "even".
  void StartWith(int count) {
    Start();
    for (int i = 1; i <= count; ++i) Publish(std::to_string(i), i % 2 == 1 ? "odd" : "even");
    Rows();
  }
  Seqs Read(const std::string& topic = "", std::uint64_t first = 0, std::uint64_t last = UINT64_MAX,
            std::size_t limit = 1000) {
    Seqs seqs;
    EventFilter filter;
    filter.topic = topic;
    rest_ = reader_.ReadEvents(filter, {.first_seq = first, .last_seq = last}, [&](const StoredEvent& event) {
      if (seqs.size() == limit) return false;
      seqs.push_back(event.seq);
      return true;
    });
    return seqs;
  }

  std::optional<EventRange> rest_;
  EventReader reader_{dir_.path()};
};

TEST_F(EventReaderTest, ThrowsUntilTheBrokerHasMadeTheFiles) {
  EXPECT_THROW(reader_.ReadStatistics(), StorageError);
  EXPECT_THROW(reader_.StoredSeq(), StorageError);
  EXPECT_THROW(reader_.Topics(), StorageError);
  EXPECT_THROW(Read(), StorageError);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path())) << "it makes no files of its own";
  Start();
  EXPECT_EQ(reader_.ReadStatistics().processed, 0U);
  EXPECT_EQ(reader_.StoredSeq(), 0U);
  EXPECT_THAT(reader_.Topics(), IsEmpty());
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(EventReaderTest, ReadsEventsByTopicAndInPages) {
  StartWith(6);
  EXPECT_THAT(Read(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_FALSE(rest_);
  EXPECT_THAT(Read("odd"), ElementsAre(1, 3, 5));
  EXPECT_THAT(Read("", UINT64_MAX), IsEmpty());
  EXPECT_THAT(Read("", 3), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(Read("", 3, 4), ElementsAre(3, 4));
  EXPECT_FALSE(rest_);
  EXPECT_THAT(Read("", 3, 6, 3), ElementsAre(3, 4, 5));
  ASSERT_TRUE(rest_);
  EXPECT_EQ(rest_->first_seq, 6U);
  EXPECT_EQ(rest_->last_seq, 6U);
  EXPECT_THAT(Read("even", 3, 5), ElementsAre(4));
  EXPECT_THAT(Read("even", 0, 6, 2), ElementsAre(2, 4));
  EXPECT_TRUE(rest_);
  EXPECT_THAT(Read("even", 0, 6, 3), ElementsAre(2, 4, 6));
  EXPECT_FALSE(rest_);
  EXPECT_THAT(Read("", 7), IsEmpty());
  EXPECT_THAT(Read("", 0, 0), IsEmpty());
  EXPECT_THAT(Read("od"), IsEmpty());
}

TEST_F(EventReaderTest, ShowsAnEventByteForByte) {
  Start();
  Message message = MakeMessage("\0\xFF"sv, "größe");
  SetIdProperty(&message, "i\0d"sv);
  Send(message);
  message.payload = "";
  SetIdProperty(&message, "empty");
  Send(message);
  Rows();
  std::vector<std::string> seen;
  const std::int64_t now_us = Clock({}).Now().wall_us;
  EventFilter filter;
  filter.topic = "größe";
  reader_.ReadEvents(filter, {}, [&](const StoredEvent& event) {
    seen.insert(seen.end(), {std::string(event.topic), std::string(event.event_id), std::string(event.payload)});
    EXPECT_NEAR(static_cast<double>(event.received_us), static_cast<double>(now_us), 10'000'000);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre("größe", "i\0d"s, "\0\xFF"s, "größe", "empty", ""));
}

TEST_F(EventReaderTest, TopicsAreSortedAndHaveEvents) {
  Start();
  for (const char* const topic : {"b", "B", "a/b", "ä", "a"}) Publish("1", topic);
  Rows();
  EXPECT_THAT(reader_.Topics(), ElementsAre("B", "a", "a/b", "b", "ä"));
  Publish("2", "c");
  Rows();
  EXPECT_THAT(reader_.Topics(), testing::Contains("c"));
}

TEST_F(EventReaderTest, StatisticsAreNeverOlderThanTheLastVerdict) {
  Start();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    Publish(std::to_string(i));
    Publish(std::to_string(i));
    const Statistics stats = reader_.ReadStatistics();
    EXPECT_EQ(stats.processed, i);
    EXPECT_EQ(stats.duplicates, i);
    EXPECT_EQ(stats.accepted_seq, i);
  }
  EXPECT_EQ(reader_.ReadStatistics().journal_size_bytes, Journal::kRingBytesMin);
  EXPECT_GT(reader_.ReadStatistics().journal_used_bytes, 100U * sizeof(RecordHeader));
}

TEST_F(EventReaderTest, UpToTheStoredSeqEveryEventIsThere) {
  options_.journal_bytes = 1 << 20;
  Start();
  for (int i = 1; i <= 3000; ++i) {
    Publish(std::to_string(i));
    if (i % 100 != 0) continue;
    Turn(2);
    const std::uint64_t stored = reader_.StoredSeq();
    EXPECT_EQ(Read("", 0, stored, SIZE_MAX), UpTo(stored));
  }
}

TEST_F(EventReaderTest, ACallersExceptionDoesNotHoldTheStoreBack) {
  StartWith(3);
  for (int times = 0; times < 2; ++times) {
    EXPECT_THROW(reader_.ReadEvents({}, {}, [](const StoredEvent&) -> bool { throw std::runtime_error("enough"); }),
                 std::runtime_error);
  }
  Publish("4");
  EXPECT_EQ(Rows(), UpTo(4));
  EXPECT_THAT(Read(), ElementsAre(1, 2, 3, 4)) << "a new snapshot";
}

TEST_F(EventReaderTest, FollowsTheBrokerThroughRestarts) {
  StartWith(2);
  EXPECT_THAT(Read(), ElementsAre(1, 2));
  Restart();
  Publish("3");
  Rows();
  EXPECT_THAT(Read(), ElementsAre(1, 2, 3));
}

TEST_F(EventReaderTest, GoesOnReadingWhileTheBrokerIsAway) {
  StartWith(2);
  Stop();
  EXPECT_THAT(Read(), ElementsAre(1, 2));
  EXPECT_EQ(EventReader(dir_.path()).ReadStatistics().processed, 2U);
}

TEST_F(EventReaderTest, FollowsToTheFilesThatTookTheOldOnesPlace) {
  StartWith(2);
  EXPECT_EQ(Read().size(), 2U);
  Turn(2);  // else the journal, which still holds them, brings them into the new store
  Stop();
  options_.journal_bytes *= 2;
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(dir_.path() / (Store::kFileName + std::string(suffix)));
  }
  Start();
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(reader_.ReadStatistics().journal_size_bytes, 2 * Journal::kRingBytesMin);
  Publish("3");
  Rows();
  EXPECT_THAT(Read(), ElementsAre(3));
}

TEST_F(EventReaderTest, ShowsThatTheStoreOrTheJournalFails) {
  options_.fsync_interval = std::chrono::milliseconds(1);
  StartWith(1);
  EXPECT_FALSE(reader_.ReadStatistics().store_failing);
  EXPECT_FALSE(reader_.ReadStatistics().journal_failing);
  {
    const FailingDisk disk(JournalHeader::kFileName);
    Publish("a");
    EXPECT_TRUE(Eventually([&] { return reader_.ReadStatistics().journal_failing; }));
  }
  EXPECT_TRUE(Eventually([&] { return !reader_.ReadStatistics().journal_failing; }));
  sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
  database.SetBusyTimeout(5000);  // the writer may be at work
  database.Execute("ALTER TABLE events RENAME TO hidden");
  Publish("b");
  EXPECT_TRUE(Eventually([&] { return reader_.ReadStatistics().store_failing; }));
  database.Execute("ALTER TABLE hidden RENAME TO events");
  EXPECT_TRUE(Eventually([&] { return !reader_.ReadStatistics().store_failing; }));
}

TEST_F(EventReaderTest, AnOlderDatabaseIsAnErrorUntilTheBrokerHasMigratedIt) {
  StartWith(1);
  Stop();
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(dir_.path() / (Store::kFileName + std::string(suffix)));
  }
  std::filesystem::copy_file(DEDUP_FIXTURES "/events-schema-1.db", dir_ / Store::kFileName);
  try {
    Read();
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("schema 1, this program knows schema " + std::to_string(kSchemaVersion) +
                                        "; the plugin migrates it when the broker starts"));
  }
  Start();
  EXPECT_EQ(Read("sensors/1").size(), 3U);
}

TEST_F(EventReaderTest, FiguresOfAHeaderThatItDoesNotKnowAreAnError) {
  StartWith(1);
  EXPECT_EQ(reader_.ReadStatistics().processed, 1U);
  Stop();
  const auto journal = dir_ / JournalHeader::kFileName;
  const std::string good = ReadFile(journal);
  const auto error_with = [&](std::size_t offset, std::string_view bytes) {
    Overwrite(journal, offset, bytes);
    std::string what;
    try {
      reader_.ReadStatistics();
    } catch (const StorageError& error) {
      what = error.what();
    }
    Overwrite(journal, 0, good.substr(0, sizeof(JournalHeader)));
    return what;
  };
  EXPECT_THAT(error_with(offsetof(JournalHeader, version), {"\1\0\0\0", 4}),
              HasSubstr("format 1, this program knows format 3; the plugin migrates it"));
  EXPECT_THAT(error_with(offsetof(JournalHeader, version), {"\4\0\0\0", 4}),
              HasSubstr("format 4, this program knows format 3; the plugin is newer"));
  EXPECT_THAT(error_with(offsetof(JournalHeader, secret), "x"), HasSubstr("header is damaged"));
  EXPECT_THAT(error_with(0, "x"), HasSubstr("header is damaged"));
  EXPECT_EQ(reader_.ReadStatistics().processed, 1U);
}

TEST_F(EventReaderTest, CountsTheEventsThatAreStored) {
  options_.journal_bytes = 1 << 20;
  Start();
  EXPECT_EQ(reader_.CountEvents(), 0U);
  StartWith(3000);
  EXPECT_EQ(reader_.CountEvents(), 3000U);
}

TEST_F(EventReaderTest, CountsNoSeqsThatWereSkipped) {
  options_.journal_bytes = 1 << 20;
  StartWith(1030);
  Stop();
  std::filesystem::remove(dir_ / JournalHeader::kFileName);  // the next seqs are far higher
  Start();
  Publish("one");
  Publish("two");
  ASSERT_GT(Rows().back(), 1'000'000U);
  EXPECT_EQ(reader_.CountEvents(), 1032U);
}

TEST_F(EventReaderTest, CountsNoEventsThatWereDeleted) {
  options_.journal_bytes = 1 << 20;
  StartWith(1500);
  sqlite::Database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate)
      .Execute("DELETE FROM events WHERE seq <= 1300; DELETE FROM times WHERE block < 1301 / 1024");
  EXPECT_EQ(reader_.CountEvents(), 200U);
  sqlite::Database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate).Execute("DELETE FROM events");
  EXPECT_EQ(reader_.CountEvents(), 0U);
}

TEST_F(EventReaderTest, TellsHowManyBytesTheStoreTakes) {
  StartWith(100);
  const auto size = [&](const char* suffix) {
    return std::filesystem::file_size(dir_ / (std::string(Store::kFileName) + suffix));
  };
  EXPECT_GT(size("-wal"), 0U);
  EXPECT_EQ(reader_.StoreBytes(), size("") + size("-wal"));
}

TEST_F(EventReaderTest, ACutJournalIsAnError) {
  StartWith(1);
  Stop();
  std::filesystem::resize_file(dir_ / JournalHeader::kFileName, 100);
  EXPECT_THROW(reader_.ReadStatistics(), StorageError);
}

}  // namespace
}  // namespace dedup
