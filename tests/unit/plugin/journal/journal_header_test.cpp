#include "plugin/core/journal/journal_header.h"

#include <gtest/gtest.h>

namespace dedup {
namespace {

TEST(JournalHeaderTest, StatisticsAreWhatTheFieldsSay) {
  JournalHeader header{};
  header.ring_bytes = 64 << 10;
  header.accepted_seq = 1'000'010;
  header.skipped_seqs = 1'000'000;
  header.released_position = 1000;
  header.appended_position = 1500;
  header.counters.duplicates = 3;
  const Statistics statistics = StatisticsOf(header);
  EXPECT_EQ(statistics.processed, 10U);
  EXPECT_EQ(statistics.received(), 13U);
  EXPECT_EQ(statistics.journal_used_bytes, 500U);
}

// As of a process that writes the one field and not yet the other, or of a damaged page.
TEST(JournalHeaderTest, NoFigureWrapsAround) {
  JournalHeader header{};
  header.accepted_seq = 9;
  header.skipped_seqs = 1'000'000;
  header.released_position = 144;
  header.appended_position = 0;
  const Statistics statistics = StatisticsOf(header);
  EXPECT_EQ(statistics.processed, 0U);
  EXPECT_EQ(statistics.journal_used_bytes, 0U);
}

TEST(JournalHeaderTest, OneThatIsIdentifiedHasTheMagicAndThisVersion) {
  JournalHeader header{};
  EXPECT_FALSE(HasMagic(header));
  header.ring_bytes = 1 << 20;
  Identify(&header);
  EXPECT_TRUE(IsIdentified(header));
  EXPECT_EQ(header.version, JournalHeader::kVersion);
  header.ring_bytes = 2 << 20;
  EXPECT_TRUE(HasMagic(header));
  EXPECT_FALSE(IsIdentified(header));
}

}  // namespace
}  // namespace dedup
