#include "command/advise/advise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "command/advise/rules_text.h"
#include "command/report/sentences.h"
#include "plugin/core/rules/rules_file.h"
#include "tests/unit/support/made_capture.h"

namespace dedup::command {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Messages of a few devices, an event each 20 s or so.
class AdviseTest : public testing::Test {
 protected:
  static constexpr int kDevices = 4;
  static constexpr int kRounds = 40;

  // Calls say(time, device, number of the event) for each event.
  void ForEachEvent(const std::function<void(double, int, int)>& say) {
    for (int round = 0; round < kRounds; ++round) {
      for (int device = 0; device < kDevices; ++device) {
        say(20 * round + 5 * device + chance_.Between(0, 2), device, kDevices * round + device);
      }
    }
  }
  std::string Reading(int device) {
    return R"({"id":"dev-)" + std::to_string(device) + R"(","t":)" +
           std::to_string(chance_.Between(10, 30)).substr(0, 5);
  }
  Advice AdviceOf(const AdviseOptions& options = {}) { return Advise(made_.Done(), options); }
  // The reason why there is no rule for the only group.
  std::string ReasonOf() {
    const Advice advice = AdviceOf();
    EXPECT_THAT(advice.rules, IsEmpty()) << RulesText(advice.rules);
    EXPECT_THAT(advice.findings, SizeIs(1));
    return WordOf(advice.findings.front().reason.refusal);
  }

  MadeCapture made_;
  Chance chance_{1};
};

TEST_F(AdviseTest, WhatSeveralReceiversHeardIsJoinedWithoutWhatTheyAdd) {
  ForEachEvent([this](double t, int device, int) {
    const std::string reading = Reading(device);
    for (const char* gateway : {"attic", "cellar"}) {
      made_.Say(t + chance_.Between(0, 0.4), std::string("home/") + gateway + "/ble/dev" + std::to_string(device),
                reading + ",\"rssi\":-" + std::to_string(50 + chance_.Below(40)) + "}", gateway);
    }
  });
  const Advice advice = AdviceOf();
  ASSERT_THAT(advice.rules, SizeIs(1));
  const RuleProposal& rule = advice.rules.front();
  EXPECT_THAT(rule.topics, ElementsAre("home/+/ble/+"));
  EXPECT_THAT(rule.ignore_levels, ElementsAre(2));
  EXPECT_THAT(rule.ignore, ElementsAre("/rssi"));
  EXPECT_THAT(rule.key, Contains("payload"));
  EXPECT_EQ(rule.mode, "observe");
  EXPECT_GE(rule.window_s, 0.5);
  EXPECT_LT(rule.window_s, 16);

  const GroupAdvice& group = advice.findings.front();
  EXPECT_EQ(group.message_count, 2u * kDevices * kRounds);
  EXPECT_EQ(group.effect.dropped_count, std::size_t{kDevices * kRounds});
  EXPECT_EQ(group.effect.stranger_count, 0u);
  EXPECT_TRUE(group.is_across);
  EXPECT_THAT(group.samples, SizeIs(2));
  EXPECT_THAT(ParseRules(RulesText(advice.rules), DefaultRule{}).errors, IsEmpty());
}

TEST_F(AdviseTest, WhatGatewaysHeardMayDropAtOnceIfThatIsWanted) {
  ForEachEvent([this](double t, int device, int) {
    const std::string reading = Reading(device) + "}";
    for (const char* gateway : {"a", "b"})
      made_.Say(t + chance_.Between(0, 0.4), std::string("x/") + gateway + "/up", reading);
  });
  EXPECT_EQ(AdviceOf({.across_gateways = true}).rules.front().mode, "drop");
}

TEST_F(AdviseTest, WhatIsSentAgainIsJoinedAndItsIdNamed) {
  ForEachEvent([this](double t, int device, int number) {
    const std::string payload = Reading(device) + ",\"uuid\":\"" + chance_.Hex(32) + "\"}";
    const std::string client = "client-" + std::to_string(device);
    made_.Say(t, "plant/readings", payload, client);
    if (number % 6 == 0) made_.Say(t + chance_.Between(1, 4), "plant/readings", payload, client);
  });
  const Advice advice = AdviceOf();
  ASSERT_THAT(advice.rules, SizeIs(1));
  EXPECT_THAT(advice.rules.front().key, Contains("/uuid"));
  EXPECT_THAT(advice.rules.front().ignore, IsEmpty());
  EXPECT_THAT(advice.findings.front().identities, Contains("/uuid"));
  EXPECT_THAT(advice.findings.front().traps, Contains("/id"));
}

TEST_F(AdviseTest, WithoutCopiesNothingComesTwice) {
  ForEachEvent([this](double t, int device, int number) {
    made_.Say(t, "a/" + std::to_string(device), Reading(device) + ",\"n\":" + std::to_string(number) + "}", "c");
  });
  EXPECT_THAT(ReasonOf(), AnyOf("no-repeats", "few-repeats"));
}

TEST_F(AdviseTest, AFewCopiesAreTooFew) {
  ForEachEvent([this](double t, int device, int number) {
    const std::string payload = Reading(device) + ",\"n\":" + std::to_string(number) + "}";
    made_.Say(t, "a/" + std::to_string(device), payload, "c");
    if (number % 50 == 0) made_.Say(t + 1, "a/" + std::to_string(device), payload, "c");
  });
  EXPECT_EQ(ReasonOf(), "few-repeats");
}

TEST_F(AdviseTest, AStateThatIsSaidAgainIsNoCopy) {
  ForEachEvent([this](double t, int device, int number) {
    made_.Say(t, "a/" + std::to_string(device), number / 40 % 2 == 0 ? R"({"on":true})" : R"({"on":false})", "c");
  });
  EXPECT_EQ(ReasonOf(), "many-in-one");
}

TEST_F(AdviseTest, ATotalThatStaysIsNoCopy) {
  std::vector<int> totals(kDevices, 1000);
  ForEachEvent([&](double t, int device, int) {
    int& total = totals[static_cast<std::size_t>(device)];
    total += chance_.Below(3);
    made_.Say(t, "meter/" + std::to_string(device), R"({"total":)" + std::to_string(total) + "}", "c");
  });
  EXPECT_EQ(ReasonOf(), "state-again");
}

TEST_F(AdviseTest, ARequestAndItsAnswerAreStages) {
  ForEachEvent([this](double t, int device, int number) {
    const std::string payload =
        R"({"id":)" + std::to_string(70000 + number) + R"(,"v":)" + std::to_string(device) + "}";
    made_.Say(t, "rpc/request", payload, "app");
    made_.Say(t + chance_.Between(0.05, 0.2), "rpc/response", payload, "device");
  });
  EXPECT_EQ(ReasonOf(), "stages");
}

TEST_F(AdviseTest, TwoProbesAreTwoMeasurements) {
  ForEachEvent([this](double t, int device, int) {
    const int level = 400 + chance_.Below(200);
    for (const char* probe : {"a", "b"}) {
      made_.Say(t + chance_.Between(0, 0.2), "pipe/" + std::to_string(device) + "/" + probe,
                R"({"level":)" + std::to_string(level + chance_.Below(2)) + "}", probe);
    }
  });
  EXPECT_THAT(ReasonOf(), AnyOf("not-the-same", "no-gap"));
}

TEST_F(AdviseTest, FramesForALoRaWanServerMustComeFromEach) {
  ForEachEvent([this](double t, int, int) {
    const std::string frame = chance_.Hex(40);
    for (const char* gateway : {"0016c001f1500812", "0016c001f1500813"}) {
      made_.Say(t + chance_.Between(0, 0.2), std::string("eu868/gateway/") + gateway + "/event/up",
                R"({"phyPayload":")" + frame + R"(","rssi":-)" + std::to_string(60 + chance_.Below(50)) + "}", gateway);
    }
  });
  EXPECT_EQ(ReasonOf(), "known-shape");
}

TEST_F(AdviseTest, WhatOnePublisherTellsSeveralIsNoCopy) {
  ForEachEvent([this](double t, int, int) {
    const std::string alarm = R"({"id":")" + chance_.Hex(32) + R"(","door":")" + chance_.Hex(8) + "\"}";
    for (const char* user : {"anna", "bert"}) {
      made_.Say(t + chance_.Between(0, 0.4), std::string("users/") + user + "/alarm", alarm, "alarms");
    }
  });
  EXPECT_EQ(ReasonOf(), "fan-out");
}

TEST_F(AdviseTest, ACommandToSeveralIsNoCopyWhoeverPublishedIt) {
  ForEachEvent([this](double t, int, int) {
    const std::string command =
        R"({"id":")" + chance_.Hex(32) + R"(","bri":)" + std::to_string(chance_.Below(99)) + "}";
    for (const char* lamp : {"hall", "attic"}) {
      made_.Say(t + chance_.Between(0, 0.4), std::string("lamps/") + lamp + "/set", command);
    }
  });
  EXPECT_EQ(ReasonOf(), "fan-out");
}

TEST_F(AdviseTest, AFewRepeatedCommandsDoNotHideWhatAllAre) {
  ForEachEvent([this](double t, int, int number) {
    const std::string command =
        R"({"id":")" + chance_.Hex(32) + R"(","bri":)" + std::to_string(chance_.Below(99)) + "}";
    for (const char* lamp : {"hall", "attic"}) {
      made_.Say(t + chance_.Between(0, 0.4), std::string("lamps/") + lamp + "/set", command);
    }
    if (number % 40 == 0) made_.Say(t + 1, "lamps/hall/set", command);
  });
  EXPECT_EQ(ReasonOf(), "fan-out");
}

TEST_F(AdviseTest, DevicesThatShareATopicNeedTheirClientIds) {
  MadeCapture with_clients;
  ForEachEvent([&](double t, int device, int number) {
    const std::string payload = R"({"temperature":)" + std::to_string(chance_.Between(10, 30)).substr(0, 7) + "}";
    for (const double later : {0.0, chance_.Between(0.5, 2)}) {
      if (later != 0 && number % 4 != 0) continue;
      made_.Say(t + later, "v1/devices/me/telemetry", payload);
      with_clients.Say(t + later, "v1/devices/me/telemetry", payload, "client-" + std::to_string(device));
    }
  });
  EXPECT_EQ(ReasonOf(), "shared-topic");
  const Advice advice = Advise(with_clients.Done(), {});
  ASSERT_THAT(advice.rules, SizeIs(1));
  EXPECT_THAT(advice.rules.front().key, ElementsAre("client", testing::_, "payload"));
}

TEST_F(AdviseTest, OfATextWithWhatReceiversAddTheWholeCounts) {
  ForEachEvent([this](double t, int device, int number) {
    for (const char* gateway : {"a", "b"}) {
      made_.Say(t + chance_.Between(0, 0.4), std::string("rx/") + gateway,
                "d" + std::to_string(device) + ";" + std::to_string(number) + ";" + chance_.Hex(6), gateway);
    }
  });
  EXPECT_EQ(ReasonOf(), "no-repeats");
  EXPECT_TRUE(AdviceOf().findings.front().only_whole_counts);
}

TEST_F(AdviseTest, EachGroupIsAnswered) {
  ForEachEvent([this](double t, int device, int number) {
    made_.Say(t, "a/" + std::to_string(device), R"({"n":)" + std::to_string(number) + "}");
    made_.Say(t + 1, "b", "text " + std::to_string(number));
  });
  made_.Say(1, "c/d/e/f", "");
  const Advice advice = AdviceOf();
  std::size_t count = 0;
  for (const GroupAdvice& group : advice.findings) count += group.message_count;
  EXPECT_EQ(count, advice.message_count);
  EXPECT_THAT(advice.findings, SizeIs(3));
}

TEST_F(AdviseTest, NothingWasWatched) {
  const Advice advice = AdviceOf();
  EXPECT_EQ(advice.message_count, 0u);
  EXPECT_THAT(advice.findings, IsEmpty());
  EXPECT_EQ(RulesText(advice.rules), "{\"rules\": []}\n");
}

}  // namespace
}  // namespace dedup::command
