#include "plugin/core/start/salvage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/support/store_fixture.h"

namespace dedup {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::AllOf;

class SalvageTest : public StoreTest {
 protected:
  static constexpr std::uint64_t kRows = 400;
  static constexpr std::size_t kPageBytes = 4096;

  SalvageTest() {
    InBatch([](Store::Batch& batch) {
      for (std::uint64_t seq = 1; seq <= kRows; ++seq) {
        const std::string id = "id\0"s + std::to_string(seq);
        const std::string topic = "t/" + std::to_string(seq % 3);
        const std::string payload = "payload " + std::to_string(seq) + std::string(500, '.');
        Event event = MakeEvent(seq, id, static_cast<std::int64_t>(seq), topic);
        event.payload = payload;
        batch.Insert(event);
      }
    });
    Close();
  }
  /// Salvages events.db, then opens what came over as the store.
  std::uint64_t Salvage() {
    std::filesystem::rename(dir_ / "events.db", dir_ / "damaged.db");
    const std::uint64_t copied = dedup::Salvage(dir_ / "damaged.db", dir_ / "events.db").rows;
    Open();
    return copied;
  }
  /// Spoils the page that holds this event's row.
  void DamagePageOf(std::uint64_t seq) {
    const std::size_t at = ReadFile(dir_ / "events.db").find("payload " + std::to_string(seq) + ".");
    ASSERT_NE(at, std::string::npos);
    Overwrite(dir_ / "events.db", at / kPageBytes * kPageBytes, std::string(kPageBytes, '\xAA'));
  }
};

TEST_F(SalvageTest, TakesEveryRowOfAGoodDatabase) {
  EXPECT_EQ(Salvage(), kRows);
  EXPECT_EQ(Rows().size(), kRows);
  EXPECT_EQ(Text("SELECT event_id FROM events WHERE seq = 7"), "id\0"s + "7");
  EXPECT_EQ(Text("SELECT accepted_ms FROM events WHERE seq = 7"), "7");
  EXPECT_EQ(Text("SELECT received_us FROM events WHERE seq = 7"), "1769903999123456");
  EXPECT_EQ(Text("SELECT topic FROM events JOIN topics USING(topic_id) WHERE seq = 7"), "t/1");
  EXPECT_EQ(Text("SELECT substr(payload, 1, 10) FROM events WHERE seq = 7"), "payload 7.");
}

TEST_F(SalvageTest, TakesTheRowsOnBothSidesOfADamagedPage) {
  DamagePageOf(200);
  const std::uint64_t copied = Salvage();
  const std::vector<std::uint64_t> rows = Rows();
  EXPECT_EQ(copied, rows.size());
  EXPECT_GT(copied, kRows - kPageBytes / 500) << "one page is lost";
  EXPECT_LT(copied, kRows);
  EXPECT_EQ(rows.front(), 1U);
  EXPECT_EQ(rows.back(), kRows);
  EXPECT_THAT(rows, testing::Not(testing::Contains(200)));
}

TEST_F(SalvageTest, TakesTheStateAndWhatIsInDoubt) {
  Open();
  Event event = MakeEvent(300, "x");
  event.qos = 2;
  event.retain = true;
  event.properties = "\0properties"sv;
  InBatch([&](Store::Batch& batch) {
    batch.InsertInDoubt(event);
    batch.SaveState({.stored_seq = 500, .forgotten_seq = 100, .skipped_seqs = 3, .counters = {.duplicates = 4}});
  });
  Close();
  DamagePageOf(200);
  Salvage();
  const auto in_doubt = store_->LoadInDoubt();
  ASSERT_EQ(in_doubt.size(), 1U);
  EXPECT_EQ(in_doubt[0].seq, 300U);
  EXPECT_EQ(in_doubt[0].qos, 2);
  EXPECT_TRUE(in_doubt[0].retain);
  EXPECT_EQ(in_doubt[0].properties, "\0properties"sv);
  const StoreState state = store_->LoadState();
  EXPECT_EQ(state.stored_seq, 500U);
  EXPECT_EQ(state.forgotten_seq, 100U);
  EXPECT_EQ(state.skipped_seqs, 3U);
  EXPECT_EQ(state.counters.duplicates, 4U);
}

TEST_F(SalvageTest, TakesTheRulesAndTheirKeys) {
  Open();
  InBatch([](Store::Batch& batch) {
    for (std::uint64_t seq = kRows + 1; seq <= kRows + 100; ++seq) {
      Event event = MakeRuleEvent(seq, seq % 2 == 0 ? "even" : "odd", seq % 2 == 0 ? 1000 : kForeverWindow);
      event.rule.is_id_only = seq % 2 == 0;
      batch.Insert(event);
      if (seq == kRows + 2) batch.InsertInDoubt(event);
    }
  });
  const auto keys = RuleKeys();
  Close();
  for (const bool damaged : {false, true}) {
    if (damaged) DamagePageOf(200);
    Salvage();
    EXPECT_EQ(RuleKeys(), keys);
    EXPECT_EQ(Text("SELECT count(*) FROM events JOIN rules USING(rule_id) WHERE name = 'odd' AND keeps_payload"), "50");
    EXPECT_EQ(Text("SELECT count(*) FROM events JOIN rules USING(rule_id) WHERE name = 'even' AND payload = x''"),
              "50");
    ASSERT_EQ(store_->LoadInDoubt().size(), 1U);
    EXPECT_EQ(store_->LoadInDoubt()[0].payload, "payload");
    EXPECT_TRUE(store_->LoadInDoubt()[0].is_id_only);
    Close();
  }
}

TEST_F(SalvageTest, TakesHowFarTheKeyFileGoesButNotPastWhatIsInDoubt) {
  for (const std::uint64_t keys_seq : {350U, 299U}) {
    Open();
    InBatch([](Store::Batch& batch) { batch.SaveKeysSeq(350); });
    if (keys_seq != 350) PutInDoubt(300);
    Close();
    Salvage();
    EXPECT_EQ(store_->LoadKeysSeq(), keys_seq);
    Close();
  }
}

TEST_F(SalvageTest, AnExpiredRowStaysBesideItsKeysNewOne) {
  Open();
  Expire(100, kForever);
  EXPECT_TRUE(Insert(MakeEvent(kRows + 1,
                               "id\0"
                               "7"sv,
                               1000, "t/1")));
  Close();
  DamagePageOf(200);
  Salvage();
  EXPECT_THAT(Rows(), AllOf(testing::Contains(7), testing::Contains(kRows + 1)));
  EXPECT_FALSE(Insert(MakeEvent(kRows + 2,
                                "id\0"
                                "7"sv,
                                1000, "t/1")));
}

TEST_F(SalvageTest, TakesNothingFromWhatIsNoDatabase) {
  WriteFile(dir_ / "events.db", std::string(5000, 'x'));
  EXPECT_EQ(Salvage(), 0U);
}

TEST_F(SalvageTest, TakesNothingWhereTheSchemaIsGone) {
  Overwrite(dir_ / "events.db", 100, std::string(kPageBytes - 100, '\xAA'));
  EXPECT_EQ(Salvage(), 0U);
}

}  // namespace
}  // namespace dedup
