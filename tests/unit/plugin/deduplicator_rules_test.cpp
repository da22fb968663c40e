// Events of rules through the whole core: verdicts, windows, restarts, deaths, reloads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "plugin/core/base/errors.h"
#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"
#include "tests/unit/support/deduplicator_fixture.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class DeduplicatorRulesTest : public DeduplicatorFixture {
 protected:
  /// In the rules file's words: what stands between the brackets of "rules".
  void SetRules(std::string_view rules) {
    options_.rules_file = dir_ / "rules.json";
    WriteFile(options_.rules_file, "{\"rules\": [" + std::string(rules) + "]}");
  }
  Verdict Of(std::string_view topic, std::string_view payload, std::uint8_t qos = 1) {
    Message message = MakeMessage(payload, topic);
    message.qos = qos;
    return Send(message).verdict;
  }
  /// Turns until a publish is an event again.
  bool BecomesNew(std::string_view topic, std::string_view payload) {
    return Eventually([&] {
      Turn();
      return Of(topic, payload) == kProcessed;
    });
  }
  std::string Column(const char* sql) {
    Rows();
    sqlite::Database database(dir_ / Store::kFileName, sqlite::Database::Mode::kReadOnly);
    sqlite::Statement row(database, sql);
    return row.Step() ? std::string(row.Bytes(0)) : "no row";
  }

  static constexpr std::string_view kMesh =
      R"({"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from", "/id"], "window": "10m"})";
};

TEST_F(DeduplicatorRulesTest, ARulesKeyDecides) {
  SetRules(kMesh);
  Start();
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7,"rssi":-3})"), kProcessed);
  EXPECT_EQ(Of("msh/a/gw2", R"({"rssi":-9,"id":7,"from":1})"), kDuplicate);
  EXPECT_EQ(Of("msh/b/gw1", R"({"from":1,"id":7})"), kProcessed) << "another scope";
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":2,"id":7})"), kProcessed);
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":2})"), kPassed);
  EXPECT_EQ(Of("msh/a/gw1", R"({"event_id":"e","from":2})"), kProcessed) << "the options' rule comes last";
  EXPECT_EQ(Of("msh/a/gw1", R"({"event_id":"e"})"), kDuplicate);
  EXPECT_EQ(Column("SELECT group_concat(event_id || '=' || coalesce(name, '')) FROM events LEFT JOIN rules "
                   "USING(rule_id)"),
            "1|7=mesh,1|7=mesh,2|7=mesh,e=");
}

TEST_F(DeduplicatorRulesTest, ClientAndUsernameAreAskedForWhereARuleWantsThem) {
  Start();
  EXPECT_FALSE(dedup_->wants_client());
  SetRules(R"({"name": "r", "topics": ["t"], "key": ["client", "?username", "payload"], "window": "10m"})");
  Start();
  EXPECT_TRUE(dedup_->wants_client());
  Message message = MakeMessage("20.5");
  EXPECT_EQ(Send(message).verdict, kPassed) << "no client id";
  message.client_id = "c1";
  EXPECT_EQ(Send(message).verdict, kProcessed);
  EXPECT_EQ(Send(message).verdict, kDuplicate);
  message.client_id = "c2";
  EXPECT_EQ(Send(message).verdict, kProcessed);
  message.username = "u";
  EXPECT_EQ(Send(message).verdict, kProcessed);
}

TEST_F(DeduplicatorRulesTest, EachRuleHasItsWindow) {
  SetRules(R"({"name": "short", "topics": ["s"], "key": ["/id"], "window": "300ms"},
              {"name": "long", "topics": ["l"], "key": ["/id"], "window": "15m"},
              {"name": "ever", "topics": ["e"], "key": ["/id"], "window": "forever"},
              {"name": "plugin", "topics": ["p"], "key": ["/id"]})");
  options_.window = options_.retention = 100ms;
  Start();
  const auto start = std::chrono::steady_clock::now();
  for (const char* topic : {"s", "l", "e", "p"}) EXPECT_EQ(Of(topic, R"({"id":1})"), kProcessed) << topic;
  EXPECT_TRUE(BecomesNew("p", R"({"id":1})"));
  EXPECT_TRUE(BecomesNew("s", R"({"id":1})"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
  Restart();
  for (const char* topic : {"l", "e"}) EXPECT_EQ(Of(topic, R"({"id":1})"), kDuplicate) << topic;
  EXPECT_EQ(Of("l", R"({"id":2})"), kProcessed);
}

TEST_F(DeduplicatorRulesTest, AWindowGoesOnOverARestartAndEndsWhileNothingRuns) {
  SetRules(R"({"name": "r", "topics": ["t"], "key": ["/id"], "window": "700ms"})");
  Start();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Of("t", R"({"id":1})"), kProcessed);
  Restart();
  const Verdict verdict = Of("t", R"({"id":1})");
  if (std::chrono::steady_clock::now() - start < 600ms) {
    EXPECT_EQ(verdict, kDuplicate);
  }
  Stop();
  std::this_thread::sleep_until(start + 800ms);
  Start();
  EXPECT_EQ(Of("t", R"({"id":1})"), kProcessed);
  EXPECT_EQ(Of("t", R"({"id":1})"), kDuplicate);
}

TEST_F(DeduplicatorRulesTest, AllIsRememberedAfterADeathAndAfterALostKeyFile) {
  SetRules(std::string(kMesh) + R"(, {"name": "ids", "topics": ["i"], "key": ["/id"], "store": "id"})");
  KilledAfter([&] {
    EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kProcessed);
    EXPECT_EQ(Of("i", R"({"id":1})"), kProcessed);
    EXPECT_EQ(Of("t", R"({"event_id":1})"), kProcessed);
    Turn(3);
  });
  Start();
  for (int round = 0; round != 3; ++round) {
    EXPECT_EQ(Of("msh/a/gw2", R"({"from":1,"id":7})"), kDuplicate);
    EXPECT_EQ(Of("i", R"({"id":1})"), kDuplicate);
    EXPECT_EQ(Of("t", R"({"event_id":1})"), kDuplicate);
    Stop();
    if (round == 1) std::filesystem::remove(dir_ / KeyFile::kFileName);
    Start();
  }
  EXPECT_EQ(TakeLog().find("have the topic and id of an earlier one"), std::string::npos);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

TEST_F(DeduplicatorRulesTest, AnEventInDoubtIsHandedOnWholeThoughItsRowHasNoPayload) {
  SetRules(R"({"name": "ids", "topics": ["i"], "key": ["/id"], "store": "id", "window": "10m"})");
  constexpr std::string_view kPayload = R"({"id":1,"v":"whole"})";
  KilledAfter([&] { EXPECT_EQ(Of("i", kPayload, 2), kProcessed); });
  KilledAfter([&] { Rows(); });  // in doubt still, and its row is written
  Start();
  Stop();  // the journal lets go of it
  options_.recovery_delay = 0ms;
  Start();
  const auto event = dedup_->TakeOverdue();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->payload, kPayload);
  EXPECT_EQ(event->qos, 2);
  EXPECT_EQ(Column("SELECT length(payload) FROM events"), "0");
}

TEST_F(DeduplicatorRulesTest, TheNextCopyOfAnEventInDoubtIsHandedOn) {
  SetRules(kMesh);
  KilledAfter([&] { EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kProcessed); });
  Start();
  EXPECT_EQ(Of("msh/a/gw2", R"({"from":1,"id":7})"), kProcessed);
  EXPECT_EQ(Of("msh/a/gw3", R"({"from":1,"id":7})"), kDuplicate);
}

TEST_F(DeduplicatorRulesTest, ARuleThatOnlyObservesTouchesNothing) {
  SetRules(R"({"name": "o", "topics": ["t"], "key": ["/id"], "window": "10m", "mode": "observe"})");
  Start();
  EXPECT_EQ(Of("t", R"({"id":1})"), kPassed);
  EXPECT_EQ(Of("t", R"({"id":1})"), kPassed);
  EXPECT_EQ(Of("t", R"({"id":1,"event_id":2})"), kProcessed);
  EXPECT_THAT(Rows(), ElementsAre(1));
}

TEST_F(DeduplicatorRulesTest, AReloadKeepsTheIdsOfRulesThatAreTheSame) {
  SetRules(kMesh);
  Start();
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kProcessed);
  SetRules(R"({"name": "new", "topics": ["x"], "key": ["/id"]},
              {"name": "mesh", "topics": ["msh/+/+"], "ignore_levels": [-1], "key": ["/from", "/id"], "window": "1h"})");
  const Reloaded reloaded = dedup_->ReloadRules();
  EXPECT_EQ(reloaded.rules, 2U);
  EXPECT_TRUE(reloaded.errors.empty());
  EXPECT_EQ(Of("msh/a/gw2", R"({"from":1,"id":7})"), kDuplicate);
  EXPECT_EQ(Of("x", R"({"id":7})"), kProcessed);
  SetRules(
      R"({"name": "renamed", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from", "/id"], "window": "1h"})");
  EXPECT_TRUE(dedup_->ReloadRules().errors.empty());
  EXPECT_EQ(Of("msh/a/gw2", R"({"from":1,"id":7})"), kProcessed);
}

TEST_F(DeduplicatorRulesTest, ABadFileChangesNothingAndIsSaid) {
  SetRules(kMesh);
  Start();
  TakeLog();
  SetRules(R"({"name": "mesh", "topics": ["msh/#"], "key": ["id"]})");
  const Reloaded reloaded = dedup_->ReloadRules();
  ASSERT_EQ(reloaded.errors.size(), 1U);
  EXPECT_THAT(reloaded.errors[0], AllOf(HasSubstr("rules.json"), HasSubstr("'mesh'"), HasSubstr("\"key\"")));
  EXPECT_THAT(TakeLog(), AllOf(HasSubstr(reloaded.errors[0]), HasSubstr("the rules stay as they were")));
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kProcessed);
  EXPECT_EQ(Of("msh/a/gw2", R"({"from":1,"id":7})"), kDuplicate);
  std::filesystem::remove(options_.rules_file);
  EXPECT_EQ(dedup_->ReloadRules().errors.size(), 1U);
}

TEST_F(DeduplicatorRulesTest, ABadFileKeepsItFromStarting) {
  SetRules(R"({"name": "r", "topics": ["t"], "key": ["payload"]})");
  try {
    Start();
    FAIL() << "payload without a window";
  } catch (const OptionError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("plugin_opt_rules_file"), HasSubstr("'r'"), HasSubstr("window")));
  }
  options_.rules_file = dir_ / "absent.json";
  EXPECT_THROW(Start(), OptionError);
}

TEST_F(DeduplicatorRulesTest, WithoutAFileThereIsNothingToReload) {
  Start();
  EXPECT_EQ(VerdictOf("a"), kProcessed);
  EXPECT_TRUE(dedup_->ReloadRules().errors.empty());
  EXPECT_EQ(VerdictOf("a"), kDuplicate);
}

class ConflictTest : public DeduplicatorRulesTest {
 protected:
  RuleCounters Counters(std::string_view rule) { return dedup_->ReportOf(rule)->counters; }
  bool AwaitCompared(std::string_view rule, std::uint64_t compared) {
    return Eventually([&] {
      Turn();
      return Counters(rule).compared == compared;
    });
  }
};

TEST_F(ConflictTest, ADuplicateWithAnotherPayloadIsCountedAndSaid) {
  SetRules(kMesh);
  Start();
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kProcessed);
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7})"), kDuplicate);
  EXPECT_EQ(Of("msh/a/gw1", R"({"from":1,"id":7,"text":"other"})"), kDuplicate);
  EXPECT_TRUE(AwaitCompared("mesh", 2));
  EXPECT_EQ(Counters("mesh").conflicts, 1u);
  EXPECT_EQ(Counters("mesh").duplicates, 2u);
  EXPECT_EQ(Counters("default").conflicts, 0u);
  EXPECT_THAT(TakeLog(), HasSubstr("rule mesh: a duplicate of event 1 has another payload than the event"));
}

TEST_F(ConflictTest, TheOptionsRuleHasThemToo) {
  Start();
  EXPECT_EQ(Of("t", R"({"event_id":"1","n":1})"), kProcessed);
  EXPECT_EQ(Of("t", R"({"event_id":"1","n":2})"), kDuplicate);
  EXPECT_TRUE(AwaitCompared("default", 1));
  EXPECT_EQ(Counters("default").conflicts, 1u);
}

TEST_F(ConflictTest, AnEventOfAnEarlierRunIsComparedWith) {
  Start();
  EXPECT_EQ(Of("t", R"({"event_id":"1"})"), kProcessed);
  Restart();
  EXPECT_EQ(Of("t", R"({"event_id":"1"})"), kDuplicate);
  EXPECT_TRUE(AwaitCompared("default", 1));
  EXPECT_EQ(Counters("default").conflicts, 0u);
}

// Its row was stored without a payload, and the rule that keeps one came later.
TEST_F(ConflictTest, AnEventThatKeptNoPayloadIsNotComparedWith) {
  const std::string rule = R"({"name":"r","topics":["a/#"],"key":["/id"],"window":"10m","store":)";
  SetRules(rule + R"("id"})");
  Start();
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kProcessed);
  SetRules(rule + R"("event"})");
  dedup_->ReloadRules();
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kDuplicate);
  EXPECT_EQ(Of("a/1", R"({"id":2})"), kProcessed);
  EXPECT_EQ(Of("a/1", R"({"id":2})"), kDuplicate);
  EXPECT_TRUE(AwaitCompared("r", 1)) << "the second one alone";
  EXPECT_EQ(Counters("r").conflicts, 0u);
}

TEST_F(DeduplicatorRulesTest, ToObserveTouchesNothing) {
  SetRules(R"({"name":"o","topics":["a/#"],"key":["/id"],"window":"10m","mode":"observe"})");
  Start();
  const Statistics before = Stats();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Of("a/1", R"({"id":)" + std::to_string(i % 10) + "}"), kPassed);
  EXPECT_EQ(Stats().accepted_seq, before.accepted_seq);
  EXPECT_EQ(Stats().journal_used_bytes, before.journal_used_bytes);
  EXPECT_THAT(Rows(), testing::IsEmpty());
  const RuleReport report = *dedup_->ReportOf("o");
  EXPECT_EQ(report.observations->firsts, 10u);
  EXPECT_EQ(report.observations->copies, 90u);
  EXPECT_EQ(report.counters.processed + report.counters.duplicates, 0u);
}

TEST_F(DeduplicatorRulesTest, ARuleThatObservesSeesAnEventOfAnotherRuleToo) {
  SetRules(R"({"name":"o","topics":["#","a/#"],"key":["/id"],"window":"10m","mode":"observe"},)"
           R"({"name":"d","topics":["a/#"],"key":["/id"],"window":"10m"})");
  Start();
  EXPECT_TRUE(dedup_->wants_client());
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kProcessed);
  EXPECT_EQ(Of("a/1", R"({"id":1})"), kDuplicate);
  EXPECT_EQ(dedup_->ReportOf("o")->observations->copies, 1u);
}

TEST_F(DeduplicatorRulesTest, WhileNothingCanBeStoredRulesAreSeenAllTheSame) {
  SetRules(R"({"name":"o","topics":["a/#"],"key":["/id"],"window":"10m","mode":"observe"})");
  options_.data_dir = dir_ / "no directory but a file";
  WriteFile(options_.data_dir, "");
  Start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Of("a/1", R"({"id":1})"), kPassed);
  EXPECT_EQ(Of("t", R"({"event_id":"1"})"), kRefused);
  EXPECT_EQ(dedup_->ReportOf("o")->observations->copies, 1u);
  const dedup::Publish event = {"t", R"({"event_id":"1"})"};
  EXPECT_EQ(dedup_->Explain(event).outcome.verdict, kRefused);
}

}  // namespace
}  // namespace dedup
