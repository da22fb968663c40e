// Recovery as a table (docs/internals/recovery.md): every state of the journal with every state of the database; and
// the same with two starts before that die before anything becomes a row.
//
// The history behind all of them: events 1 to 5, stored; an orderly stop; events 6 to 9, stored, but still in the
// journal; kill -9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "plugin/core/store/schema.h"
#include "plugin/core/store/sqlite.h"
#include "tests/unit/support/deduplicator_fixture.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSubsetOf;

using Events = std::set<int>;

struct JournalState {
  const char* name;
  Events records;        // in the journal of the time of death
  Events early_records;  // in the journal as a power cut left it: without its newest pages
  bool comes_up;
  bool set_aside;
  bool stores_first;     // whether all records become rows before the broker serves
  bool skips_seqs;       // whether nobody can tell which seqs were given
  const char* log;       // what recovery says of it
  Events released = {};  // which the store has had, and of which records are found all the same
};
constexpr bool kYes = true, kNo = false;
const std::vector<JournalState> kJournals = {
    {"Absent", {}, {}, kYes, kNo, kYes, kYes, ""},
    {"Empty", {}, {}, kYes, kNo, kYes, kNo, ""},
    {"Whole", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kNo, kNo, ""},
    {"Torn", {6, 7, 8}, {6}, kYes, kYes, kYes, kNo, "that was cut short at the journal's end"},
    {"FlippedBit", {7, 8, 9}, {7}, kYes, kYes, kYes, kNo, "the journal is damaged: "},
    {"AfterAPowerCut", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kYes, ""},
    {"OfAnotherSize", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kNo, ""},
    {"WithoutItsBeginning", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kNo, "had to be searched for", {1, 2, 3, 4, 5}},
    {"ImpossibleWatermark", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kNo, ""},
    {"ImpossibleSeq", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kYes, "its newest seq cannot be"},
    {"BesideASalvage", {6, 7, 8, 9}, {6, 7}, kYes, kNo, kYes, kNo, ""},
    {"FlippedBitInTheHeader", {}, {}, kYes, kYes, kYes, kYes, "its header is damaged; it is set aside"},
    {"NoJournalAtAll", {}, {}, kYes, kYes, kYes, kYes, "not a journal of mosquitto-dedup; it is set aside"},
    {"OlderFormat", {}, {}, kYes, kYes, kYes, kYes, "its header is damaged; it is set aside"},
    {"NewerFormat", {}, {}, kNo, kNo, kNo, kNo, "newer mosquitto-dedup (format 4"},
};

struct DatabaseState {
  const char* name;
  Events rows;      // these are read for certain
  Events rows_max;  // these may be
  bool comes_up;
  bool set_aside;
  bool stores_first;
  const char* log;
};
const Events kAll = {1, 2, 3, 4, 5, 6, 7, 8, 9};
const std::vector<DatabaseState> kDatabases = {
    {"Absent", {}, {}, kYes, kNo, kNo, ""},
    {"Whole", kAll, kAll, kYes, kNo, kNo, ""},
    {"Behind", {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}, kYes, kNo, kNo, ""},
    {"Ahead", kAll, kAll, kYes, kNo, kYes, ""},
    {"DamagedInTheMiddle", {1, 9}, kAll, kYes, kYes, kYes, "events that could be read of it are kept"},
    {"NoDatabaseAtAll", {}, {}, kYes, kYes, kYes, "0 events that could be read of it are kept"},
    {"NewerSchema", kAll, kAll, kNo, kNo, kNo, "newer mosquitto-dedup (schema "},
};

void PrintTo(const JournalState& state, std::ostream* out) { *out << state.name; }
void PrintTo(const DatabaseState& state, std::ostream* out) { *out << state.name; }

/// Files as they stood at moments of the history, made once.
class History : public DeduplicatorFixture {
 public:
  std::string early_database, database, empty_journal, early_journal, journal;

  void Make() {
    Start();
    PublishRange(1, 5);
    Turn(2);
    Rows();
    Stop();
    early_database = ReadFile(dir_ / Store::kFileName);
    KilledAfter([this] {
      PublishRange(6, 7);
      Rows();
      fs::copy_file(dir_ / JournalHeader::kFileName, dir_ / "early");
      PublishRange(8, 9);
      Rows();
    });
    // Without a WAL, so that one file is the whole database.
    sqlite::Database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate)
        .Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    database = ReadFile(dir_ / Store::kFileName);
    early_journal = ReadFile(dir_ / "early");
    journal = ReadFile(dir_ / JournalHeader::kFileName);
    Start();
    Stop();
    empty_journal = ReadFile(dir_ / JournalHeader::kFileName);
  }

  static std::string Payload(int event) {
    return "{\"event_id\":\"" + std::to_string(event) + "\",\"x\":\"" + std::string(1500, 'x') + "\"}";
  }

 private:
  void TestBody() override {}
  void PublishRange(int first, int last) {
    for (int event = first; event <= last; ++event) {
      const std::string payload = Payload(event);
      EXPECT_EQ(Send(payload).seq, static_cast<std::uint64_t>(event));
    }
  }
};

const History& TheHistory() {
  static const History* const history = [] {
    auto* const made = new History;  // for all tests of the process
    made->Make();
    return made;
  }();
  return *history;
}

class RecoveryTableTest : public DeduplicatorFixture,
                          public testing::WithParamInterface<std::tuple<JournalState, DatabaseState, int>> {
 protected:
  RecoveryTableTest() { Put(); }

  fs::path path(const char* file) const { return dir_ / file; }
  const JournalState& journal() const { return std::get<0>(GetParam()); }
  const DatabaseState& database() const { return std::get<1>(GetParam()); }
  int deaths() const { return std::get<2>(GetParam()); }
  bool is_early() const { return database().name == std::string("Ahead"); }

  /// Puts the two files into the state of the parameter.
  void Put() {
    const History& history = TheHistory();
    const std::string_view state = journal().name;
    std::string bytes = state == "Empty" ? history.empty_journal : is_early() ? history.early_journal : history.journal;
    const auto flip = [&bytes](std::size_t at) { bytes[at] = static_cast<char>(bytes[at] ^ 1); };
    const auto put = [&bytes](std::size_t at, auto value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
    const auto record_of = [&bytes](int event) { return bytes.find(History::Payload(event)); };
    if (state == "Torn") {
      const std::size_t begin = record_of(is_early() ? 7 : 9) + 100;
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin), bytes.end(), '\0');
    }
    if (state == "FlippedBit") flip(record_of(6) + 100);
    if (state == "AfterAPowerCut") put(offsetof(JournalHeader, clock.boot_number), std::uint64_t{4711});
    if (state == "OfAnotherSize") options_.journal_bytes = 2 * Journal::kRingBytesMin;
    if (state == "WithoutItsBeginning") put(offsetof(JournalHeader, released_position), std::uint64_t{1} << 40);
    if (state == "ImpossibleWatermark") put(offsetof(JournalHeader, handed_on_seq), std::uint64_t{1} << 40);
    if (state == "ImpossibleSeq") put(offsetof(JournalHeader, accepted_seq), std::uint64_t{1} << 50);
    if (state == "BesideASalvage") put(offsetof(JournalHeader, store_damage), StoreDamage::kSalvaged);
    if (state == "FlippedBitInTheHeader") flip(offsetof(JournalHeader, secret));
    if (state == "NoJournalAtAll") bytes = "no journal";
    if (state == "OlderFormat") bytes[offsetof(JournalHeader, version)] = '\0';
    if (state == "NewerFormat") bytes[offsetof(JournalHeader, version)] = JournalHeader::kVersion + 1;
    if (state != "Absent") WriteFile(path(JournalHeader::kFileName), bytes);

    const std::string_view database_state = database().name;
    bytes = database_state == "Behind" ? history.early_database : history.database;
    if (database_state == "DamagedInTheMiddle") {
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.find(History::Payload(5)) / 4096 * 4096), 4096,
                  'x');
    }
    if (database_state == "NoDatabaseAtAll") bytes.assign(10'000, 'x');
    if (database_state != "Absent") WriteFile(path(Store::kFileName), bytes);
    if (database_state == "NewerSchema") {
      sqlite::Database(path(Store::kFileName), sqlite::Database::Mode::kReadWriteCreate)
          .Execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion + 1)).c_str());
    }
  }

  struct StartedAndDied {
    bool stores_first = false, skips_seqs = false;
    std::string log;
  };
  /// A start and a death right behind it.
  StartedAndDied StartAndDie() {
    StartedAndDied start;
    LogQueue log;
    try {
      const Recovered recovered = Recover(options_, log);
      start.stores_first = recovered.journal->used_bytes() == 0;
      start.skips_seqs = recovered.journal->accepted_seq() > 1'000'000;
    } catch (const StorageError&) {
      // Some states are left alone.
    }
    for (const LogLine& line : log.Take()) start.log += line.text + "\n";
    return start;
  }

  int CountSetAside(const char* file) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
      const std::string name = entry.path().filename();
      count += name.starts_with(std::string(file) + ".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm");
    }
    return count;
  }
};

TEST_P(RecoveryTableTest, KeepsWhatIsThereInventsNothingAndComesUp) {
  const Events in_journal = is_early() ? journal().early_records : journal().records;
  Events known_for_certain = in_journal, known_max = in_journal;
  known_for_certain.insert(database().rows.begin(), database().rows.end());
  known_max.insert(database().rows_max.begin(), database().rows_max.end());
  for (Events* const known : {&known_for_certain, &known_max}) {
    known->insert(journal().released.begin(), journal().released.end());
  }
  const bool all_is_lost = known_max.empty() && journal().name != std::string("Empty");

  const bool comes_up = journal().comes_up && database().comes_up;
  std::string log;
  for (int death = 0; death < deaths(); ++death) {
    const StartedAndDied start = StartAndDie();
    log += start.log;
    if (!comes_up || death != 0) continue;
    EXPECT_EQ(start.stores_first, journal().stores_first || database().stores_first) << log;
    EXPECT_EQ(start.skips_seqs, journal().skips_seqs && !known_max.empty()) << log;
  }
  Start();
  log += TakeLog();
  if (!comes_up) {
    EXPECT_THAT(dedup_->trouble(), HasSubstr(database().comes_up ? journal().log : database().log));
    EXPECT_EQ(VerdictOf("1"), kRefused);
    EXPECT_EQ(Send("no event").verdict, kPassed);
    EXPECT_TRUE(journal().comes_up || CountSetAside(JournalHeader::kFileName) == 0) << log;
    EXPECT_TRUE(database().comes_up || CountSetAside(Store::kFileName) == 0) << log;
    return;
  }
  ASSERT_THAT(dedup_->trouble(), IsEmpty());
  EXPECT_THAT(log, HasSubstr(journal().log));
  EXPECT_THAT(log, HasSubstr(database().log));
  EXPECT_EQ(CountSetAside(JournalHeader::kFileName), journal().set_aside);
  EXPECT_EQ(CountSetAside(Store::kFileName), database().set_aside);

  Events known;
  std::uint64_t newest = 0;
  for (const int event : kAll) {
    const std::string payload = History::Payload(event);
    Decision outcome = Send(payload);
    if (outcome.seq == static_cast<std::uint64_t>(event) && (!all_is_lost || outcome.verdict == kDuplicate)) {
      known.insert(event);
      if (in_journal.contains(event)) {
        EXPECT_EQ(outcome.verdict, kProcessed) << event << " is in doubt";
      }
    } else {
      EXPECT_EQ(outcome.verdict, kProcessed) << event;
      EXPECT_GT(outcome.seq, all_is_lost ? newest : 9U) << "no seq is given twice";
      newest = outcome.seq;
    }
    EXPECT_EQ(VerdictOf(std::to_string(event)), kDuplicate) << event;
  }
  EXPECT_THAT(known_for_certain, IsSubsetOf(known)) << log;
  EXPECT_THAT(known, IsSubsetOf(known_max)) << log;

  Turn(3);
  const Seqs rows = Rows();
  EXPECT_EQ(rows.size(), kAll.size());
  Restart();
  EXPECT_EQ(Rows(), rows);
  for (const int event : kAll) EXPECT_EQ(VerdictOf(std::to_string(event)), kDuplicate) << event;
}

INSTANTIATE_TEST_SUITE_P(Table, RecoveryTableTest,
                         testing::Combine(testing::ValuesIn(kJournals), testing::ValuesIn(kDatabases),
                                          testing::Values(0, 2)),
                         [](const auto& test) {
                           return std::string("Journal") + std::get<0>(test.param).name + "Database" +
                                  std::get<1>(test.param).name + (std::get<2>(test.param) == 0 ? "" : "AfterTwoDeaths");
                         });

}  // namespace
}  // namespace dedup
