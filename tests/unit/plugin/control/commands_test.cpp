#include "plugin/core/control/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/base/file.h"
#include "plugin/core/contract/figures.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/text/json.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    options_.data_dir = dir_.path();
    options_.journal_bytes = Journal::kRingBytesMin;
    options_.topics = {"a/#", "b"};
    deduplicator_.emplace(options_);
  }

  /// Sends a command's members after "command"; returns the one response.
  std::string Receipts(const std::string& members) {
    return Send(R"({"commands":[{"command":"receipts",)" + members + "}]}");
  }
  bool are_on() const { return receipts_.kind != ReceiptKind::kNone; }
  std::string Send(std::string_view payload) {
    const ControlResult result = HandleControl(payload, receipts_, {.deduplicator = *deduplicator_, .top = top_});
    receipts_ = result.receipts;
    json::Value value;
    EXPECT_TRUE(json::Reader(result.response).ReadDocument(&value)) << result.response;
    return result.response;
  }

  TempDir dir_;
  Options options_;
  std::optional<Deduplicator> deduplicator_;
  TopCounts top_;
  ReceiptSetting receipts_;
};

constexpr char kSettings[] = R"("id_member":"event_id","id_property":"event_id","topics":["a/#","b"])";

TEST_F(ControlTest, ReceiptsAreEnabledAndDisabled) {
  EXPECT_EQ(Receipts(R"("enable":true)"),
            R"({"responses":[{"command":"receipts","enable":true,)" + std::string(kSettings) + "}]}");
  EXPECT_TRUE(are_on());
  EXPECT_EQ(Receipts(R"("enable":false)"),
            R"({"responses":[{"command":"receipts","enable":false,)" + std::string(kSettings) + "}]}");
  EXPECT_FALSE(are_on());
}

TEST_F(ControlTest, NumberedReceiptsBeginAnewWhenTheyAreAskedFor) {
  EXPECT_EQ(Receipts(R"("enable":true,"numbered":true)"),
            R"({"responses":[{"command":"receipts","enable":true,"numbered":true,)" + std::string(kSettings) + "}]}");
  EXPECT_EQ(receipts_, ReceiptSetting{.kind = ReceiptKind::kNumbered});
  receipts_.last_number = 17;
  Send(R"({"commands":[{"command":"top"}]})");
  EXPECT_EQ(receipts_.last_number, 17U);
  Receipts(R"("enable":true,"numbered":true)");
  EXPECT_EQ(receipts_, ReceiptSetting{.kind = ReceiptKind::kNumbered});
  Receipts(R"("enable":true,"numbered":false)");
  EXPECT_EQ(receipts_, ReceiptSetting{.kind = ReceiptKind::kPlain});
  Receipts(R"("enable":false,"numbered":true)");
  EXPECT_FALSE(are_on());
}

TEST_F(ControlTest, ChangedSettingsAreToldLikeTheFirst) {
  EXPECT_EQ(ChangedSettings(SettingsOf(*deduplicator_)), Receipts(R"("enable":true,"numbered":true)"));
}

TEST_F(ControlTest, NumberedMustBeTrueOrFalse) {
  receipts_ = {.kind = ReceiptKind::kNumbered, .last_number = 3};
  for (const char* const value : {"1", "\"true\"", "null", "{}"}) {
    EXPECT_THAT(Receipts(R"("enable":false,"numbered":)" + std::string(value)),
                HasSubstr(R"("error":"\"numbered\" must be true or false, or be left out")"));
    EXPECT_EQ(receipts_.last_number, 3U) << "an error changes nothing";
  }
}

TEST_F(ControlTest, TheAnswerCarriesTheCorrelationData) {
  EXPECT_THAT(Receipts(R"("enable":true,"correlationData":"x \" y")"), HasSubstr(R"("correlationData":"x \" y")"));
  EXPECT_THAT(Receipts(R"("enable":1,"correlationData":"z")"), HasSubstr(R"("correlationData":"z")"));
  EXPECT_THAT(Receipts(R"("enable":true,"correlationData":5)"), Not(HasSubstr("correlationData")));
}

TEST_F(ControlTest, EnableMustBeTrueOrFalse) {
  receipts_ = {.kind = ReceiptKind::kPlain};
  for (const char* const members : {R"("enable":1)", R"("enable":"true")", R"("enable":null)", R"("enabled":false)"}) {
    EXPECT_THAT(Receipts(members), HasSubstr(R"("error":"\"enable\" must be true or false")"));
    EXPECT_TRUE(are_on()) << "an error changes nothing";
  }
}

TEST_F(ControlTest, AnUnknownCommandIsAnsweredWithItsName) {
  EXPECT_EQ(Send(R"({"commands":[{"command":"reset"}]})"),
            R"({"responses":[{"command":"reset","error":"unknown command; expected \"receipts\", \"stats\", )"
            R"(\"top\", \"duplicates\", \"rules\", \"rule\", \"reloadRules\" or \"explain\""}]})");
  for (const char* const command : {"{}", R"({"command":5})", "7", R"("receipts")", "null"}) {
    EXPECT_THAT(Send("{\"commands\":[" + std::string(command) + "]}"),
                AllOf(HasSubstr(R"("command":"")"), HasSubstr("unknown command")));
  }
}

TEST_F(ControlTest, StatsTellsEachFigureUnderTheNameOfItsTopic) {
  Publish event;
  event.topic = "b";
  event.payload = R"({"event_id":"1"})";
  for (int i = 0; i < 3; ++i) deduplicator_->OnPublish(event);
  const std::string answer = Send(R"({"commands":[{"command":"stats","correlationData":"7"}]})");
  EXPECT_THAT(answer, HasSubstr(R"({"command":"stats","correlationData":"7","version":")" DEDUP_VERSION
                                R"(","trouble":null,"figures":{"received":3,"duplicates":2,)"));
  for (const Figure& figure : kFigures) EXPECT_THAT(answer, HasSubstr("\"" + std::string(figure.name) + "\":"));
}

TEST_F(ControlTest, StatsSaysWhyThereAreNoFigures) {
  deduplicator_.reset();
  options_.data_dir = dir_ / "no directory but a file";
  File(options_.data_dir, File::Mode::kCreate);
  deduplicator_.emplace(options_);
  EXPECT_THAT(Send(R"({"commands":[{"command":"stats"}]})"),
              AllOf(HasSubstr(R"("trouble":")"), HasSubstr(R"("figures":null)")));
}

TEST_F(ControlTest, TopTellsWhereEventsAndDuplicatesComeFrom) {
  EXPECT_EQ(Send(R"({"commands":[{"command":"top","correlationData":"7"}]})"),
            R"({"responses":[{"command":"top","correlationData":"7","since":")" + top_.since +
                R"(","topics":[],"duplicate_clients":[]}]})");
  top_.topics.Count("a", false);
  for (int i = 0; i < 2; ++i) top_.topics.Count("b\"\n", true);
  top_.duplicate_clients.Count("gateway-7", true);
  EXPECT_EQ(Send(R"({"commands":[{"command":"top"}]})"),
            R"({"responses":[{"command":"top","since":")" + top_.since +
                R"(","topics":[{"topic":"b\"\n","events":2,"duplicates":2,"error":0},)"
                R"({"topic":"a","events":1,"duplicates":0,"error":0}],)"
                R"("duplicate_clients":[{"client_id":"gateway-7","duplicates":1,"error":0}]}]})");
}

TEST_F(ControlTest, TopTellsAtMost20OfEach) {
  for (int i = 0; i < 200; ++i) top_.topics.Count("topic " + std::to_string(i % 100), false);
  const std::string answer = Send(R"({"commands":[{"command":"top"}]})");
  std::size_t rows = 0;
  for (std::size_t at = 0; (at = answer.find(R"("topic":)", at)) != std::string::npos; ++at) ++rows;
  EXPECT_EQ(rows, 20u);
  EXPECT_THAT(answer, HasSubstr(R"("events":1,"duplicates":0,"error":2)"));
}

TEST_F(ControlTest, CommandsAreCarriedOutInOrder) {
  const std::string answer = Send(
      R"({"commands":[{"command":"receipts","enable":true},{"command":"x"},{"command":"receipts","enable":false}]})");
  EXPECT_FALSE(are_on());
  EXPECT_LT(answer.find(R"("enable":true)"), answer.find("unknown command"));
  EXPECT_LT(answer.find("unknown command"), answer.find(R"("enable":false)"));
  EXPECT_EQ(Send(R"({"commands":[]})"), R"({"responses":[]})");
}

TEST_F(ControlTest, AtMost16CommandsAreTaken) {
  std::string commands = R"({"command":"receipts","enable":true})";
  for (int i = 1; i < 16; ++i) commands += R"(,{"command":"receipts","enable":true})";
  Send("{\"commands\":[" + commands + "]}");
  EXPECT_TRUE(are_on());
  receipts_ = {};
  EXPECT_THAT(Send("{\"commands\":[" + commands + ",{}]}"), HasSubstr("at most 16 commands"));
  EXPECT_FALSE(are_on());
}

TEST_F(ControlTest, ARequestHasAtMost4096Bytes) {
  const std::string request = R"({"commands":[{"command":"receipts","enable":true}]})";
  Send(request + std::string(4096 - request.size(), ' '));
  EXPECT_TRUE(are_on());
  receipts_ = {};
  EXPECT_THAT(Send(request + std::string(4097 - request.size(), ' ')), HasSubstr("in 4096 bytes"));
  EXPECT_FALSE(are_on());
}

TEST_F(ControlTest, AReloadIsToldToWhoeverHasReceipts) {
  const ControlContext context = {.deduplicator = *deduplicator_, .top = top_};
  EXPECT_TRUE(HandleControl(R"({"commands":[{"command":"reloadRules"},{"command":"top"}]})", {}, context).has_reloaded);
  EXPECT_FALSE(HandleControl(R"({"commands":[{"command":"rules"}]})", {}, context).has_reloaded);
}

TEST_F(ControlTest, OneExplainMayHave65536Bytes) {
  const std::string begin = R"({"commands":[{"command":"explain","topic":"a","payload":")";
  const std::string end = "\"}]}";
  const std::string longest(65'536 - begin.size() - end.size(), 'x');
  EXPECT_THAT(Send(begin + longest + end), HasSubstr(R"("verdict":"passed")"));
  EXPECT_THAT(Send(begin + longest + "x" + end), HasSubstr(R"("explain\" in 65536)"));
  EXPECT_THAT(Send(begin + longest.substr(50'000) + R"("},{"command":"top)" + end), HasSubstr("at most 16 commands"));
}

TEST_F(ControlTest, WhileEventsCannotBeStoredThereAreNoReceipts) {
  Options options = options_;
  options.data_dir = dir_ / "no directory but a file";
  File(options.data_dir, File::Mode::kCreate);
  Deduplicator closed(options);
  const ControlResult result = HandleControl(R"({"commands":[{"command":"receipts","enable":true}]})", receipts_,
                                             {.deduplicator = closed, .top = top_});
  EXPECT_THAT(result.response, HasSubstr("events cannot be stored now: "));
  EXPECT_EQ(result.receipts.kind, ReceiptKind::kNone);
}

TEST_F(ControlTest, WhatIsNoRequestIsToldWhatIsExpected) {
  receipts_ = {.kind = ReceiptKind::kPlain};
  for (const std::string_view payload :
       {std::string_view{}, std::string_view("hello"), std::string_view("{"), std::string_view("[]"),
        std::string_view("{}"), std::string_view("null"), std::string_view(R"({"commands":{}})"),
        std::string_view("\0\xFF", 2), std::string_view(R"({"commands":[{"command":"dance"}]} {)"),
        std::string_view("{\"commands\":[{\"command\":\"\xFF\"}]}")}) {
    EXPECT_THAT(Send(payload), HasSubstr(R"(expected {\"commands\":[{\"command\":\"receipts\",\"enable\":true}]})"));
    EXPECT_TRUE(are_on());
  }
}

}  // namespace
}  // namespace dedup
