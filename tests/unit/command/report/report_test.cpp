#include "command/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/support/made_capture.h"

namespace dedup::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A device whose message comes over two gateways, and one that says nothing twice.
class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    Chance chance(1);
    for (int number = 0; number < 40; ++number) {
      const std::string payload = R"({"id":")" + chance.Hex(16) + R"(","v":)" + std::to_string(chance.Below(100)) + "}";
      made_.Say(20 * number, "gw/" + std::string(number % 2 == 0 ? "a" : "b") + "/up", payload);
      made_.Say(20 * number + chance.Between(0.1, 0.4), "gw/" + std::string(number % 2 == 0 ? "b" : "a") + "/up",
                payload);
      made_.Say(20 * number + 3, "else", "\x01" + chance.Hex(300));
    }
    advice_ = Advise(made_.Done(), {});
  }

  MadeCapture made_;
  Advice advice_;
};

TEST_F(ReportTest, RulesThatDropAtOnceAreSaidToDoSo) {
  EXPECT_THAT(ReportText(advice_, made_.Done()), HasSubstr("1 rule is proposed. Let them observe first"));
  EXPECT_THAT(ReportText(Advise(made_.Done(), {.across_gateways = true}), made_.Done()),
              AllOf(HasSubstr("1 rule is proposed. 1 drops copies at once, as --across-gateways asks"),
                    Not(HasSubstr("observe first"))));
}

TEST_F(ReportTest, TheTextHasTheEvidenceTheReasonsAndTheFile) {
  EXPECT_THAT(ReportText(advice_, made_.Done()),
              AllOf(HasSubstr("Watched 120 messages on 3 topics in 13m03s.\n"), HasSubstr("1 rule is proposed."),
                    HasSubstr("1. gw/+/up\n   80 messages, of which 40 are copies (50 %) of 40 events"),
                    HasSubstr("   Key: /id, payload\n   May differ: topic level 2\n   Says which event it is: /id\n"),
                    HasSubstr("No equal message came that is no copy"), HasSubstr("   Trust: "),
                    HasSubstr("   Joined, for example:\n      gw/a/up  {\"id\":"),
                    HasSubstr("No rule for:\n   else  40 messages: nothing comes twice as a whole; "),
                    HasSubstr("\nThe rules file:\n\n{\"rules\": [\n"), Not(HasSubstr("\x01"))));
}

TEST_F(ReportTest, TheJsonHasTheSame) {
  const auto report = nlohmann::json::parse(ReportJson(advice_, made_.Done()));
  EXPECT_EQ(report["watched"]["messages"], 120);
  EXPECT_EQ(report["watched"]["clients_known"], false);
  ASSERT_EQ(report["rules"].size(), 1u);
  const auto& evidence = report["rules"][0]["evidence"];
  EXPECT_EQ(evidence["copies"], 40);
  EXPECT_EQ(evidence["identities"], nlohmann::json({"/id"}));
  EXPECT_TRUE(evidence["next_repeat_s"].is_null());
  EXPECT_EQ(evidence["joined"].size(), 2u);
  ASSERT_EQ(report["groups"].size(), 1u);
  EXPECT_EQ(report["groups"][0]["topics"], "else");
  EXPECT_EQ(report["groups"][0]["reason"], "no-repeats");
}

TEST_F(ReportTest, NothingIsSaidOfNothing) {
  const Capture empty;
  EXPECT_EQ(ReportText(Advise(empty, {}), empty),
            "Watched 0 messages on 0 topics in 0.000 s.\nNothing was published, so nothing is proposed.\n");
}

TEST_F(ReportTest, AFullCaptureIsSaidToBeOne) {
  Capture small(1);
  for (const char* topic : {"a", "b"}) {
    Message message;
    message.topic = topic;
    small.Add(message);
  }
  EXPECT_THAT(ReportText(Advise(small, {}), small), HasSubstr("what came later was left out"));
}

}  // namespace
}  // namespace dedup::command
