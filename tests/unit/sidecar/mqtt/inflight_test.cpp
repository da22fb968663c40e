#include "http_sidecar/mqtt/inflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <thread>

namespace dedup::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<Delivery> MakeDelivery(std::initializer_list<const char*> ids, int qos = 1,
                                       std::string_view payload = "1234") {
  auto batch = std::make_shared<Batch>();
  batch->qos = qos;
  for (const char* id : ids)
    batch->events.push_back({.topic = "t", .event_id = id, .event_id_text = "", .payload = payload});
  return std::make_shared<Delivery>(batch, 1);
}

class InflightTest : public testing::Test {
 protected:
  void SendAll(const std::shared_ptr<Delivery>& delivery) {
    for (std::size_t i = 0; i < delivery->events().size(); ++i) inflight_.Sent(delivery, i, ++packet_id_, now_);
  }
  /// The next receipt, of a publish at QoS 1 or 2.
  bool Answer(Verdict verdict) { return inflight_.Answer(ReceiptOf(verdict)); }
  /// The same at QoS 0.
  bool AnswerAtQos0(std::string_view payload, std::string_view topic = "t") {
    Receipt receipt = ReceiptOf(Verdict::kProcessed);
    receipt.topic = topic;
    receipt.checksum = ReceiptChecksum(payload);
    return inflight_.Answer(receipt);
  }
  Receipt ReceiptOf(Verdict verdict) {
    return {.topic = "t",
            .event_id = "the key that a rule has made",
            .outcome = {.verdict = verdict, .seq = 1},
            .number = ++receipt_number_};
  }
  static bool IsDone(Delivery& delivery, Problem* problem) { return delivery.Wait(std::chrono::seconds(0), problem); }

  Inflight inflight_;
  Problem problem_;
  int packet_id_ = 0;
  std::uint64_t receipt_number_ = 0;
  Inflight::Clock::time_point now_ = Inflight::Clock::now();
};

TEST_F(InflightTest, ReceiptsOfManyBatchesFindTheirEventsByOrder) {
  const auto first = MakeDelivery({"a", "b"});
  const auto second = MakeDelivery({"a"});
  inflight_.Sent(first, 0, 1, now_);
  inflight_.Sent(second, 0, 2, now_);
  inflight_.Sent(first, 1, 3, now_);
  EXPECT_EQ(inflight_.count(), 3u);
  EXPECT_EQ(inflight_.payload_bytes(), 12u);
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_TRUE(Answer(Verdict::kDuplicate));
  EXPECT_TRUE(IsDone(*second, &problem_));
  EXPECT_FALSE(IsDone(*first, &problem_));
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_TRUE(IsDone(*first, &problem_));
  EXPECT_THAT(first->outcomes(), ElementsAre(Outcome{Verdict::kProcessed, 1}, Outcome{Verdict::kProcessed, 1}));
  EXPECT_THAT(second->outcomes(), ElementsAre(Outcome{Verdict::kDuplicate, 1}));
  EXPECT_EQ(inflight_.count(), 0u);
  EXPECT_EQ(inflight_.payload_bytes(), 0u);
  EXPECT_FALSE(inflight_.oldest().has_value());
}

TEST_F(InflightTest, AGapInTheNumbersMeansThatAReceiptWasLost) {
  SendAll(MakeDelivery({"a", "b"}));
  EXPECT_FALSE(inflight_.Answer({.topic = "t", .event_id = "b", .outcome = {Verdict::kProcessed, 1}, .number = 2}));
  EXPECT_EQ(inflight_.count(), 2U);
}

TEST_F(InflightTest, AReceiptThatComesTwiceOrForNobodyCannotBeTrusted) {
  SendAll(MakeDelivery({"a", "b"}));
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  --receipt_number_;
  EXPECT_FALSE(Answer(Verdict::kProcessed));
  inflight_.FailAll("");
  EXPECT_FALSE(Answer(Verdict::kProcessed));
}

TEST_F(InflightTest, OneWithoutANumberCannotBeTrusted) {
  SendAll(MakeDelivery({"a"}));
  EXPECT_FALSE(inflight_.Answer({.topic = "t", .event_id = "a", .outcome = {Verdict::kProcessed, 1}}));
}

TEST_F(InflightTest, ARejectedEventGetsNoReceiptAndTheOthersGoOn) {
  const auto delivery = MakeDelivery({"a", "b", "c"});
  SendAll(delivery);
  EXPECT_EQ(inflight_.Reject(2, problems::kForbiddenByBroker, "not allowed"), 4U);
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_FALSE(IsDone(*delivery, &problem_));
  EXPECT_EQ(problem_.type.name, "forbidden-by-broker");
  EXPECT_EQ(problem_.detail, "events[1]: not allowed");
  EXPECT_FALSE(inflight_.Reject(99, problems::kForbiddenByBroker, "unknown packet ids do no harm"));
}

TEST_F(InflightTest, AtQos0AReceiptOutOfOrderTellsWhatTheBrokerDropped) {
  // Too large for the broker, say: the next event has the same topic.
  const auto silent = MakeDelivery({"a"}, 0, "large");
  const auto taken = MakeDelivery({"b"}, 0, "small");
  const auto other = MakeDelivery({"c"});
  SendAll(silent);
  SendAll(taken);
  SendAll(other);
  EXPECT_TRUE(AnswerAtQos0("small"));
  EXPECT_FALSE(IsDone(*silent, &problem_));
  EXPECT_EQ(problem_.type.name, "forbidden-by-broker");
  EXPECT_THAT(problem_.detail, HasSubstr("events[0]: was dropped by the broker"));
  EXPECT_TRUE(IsDone(*taken, &problem_));
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_TRUE(IsDone(*other, &problem_));
  EXPECT_EQ(inflight_.payload_bytes(), 0u);
}

TEST_F(InflightTest, AReceiptAtQos1TellsThatAllAtQos0BeforeItWereDropped) {
  const auto silent = MakeDelivery({"a", "b"}, 0);
  const auto other = MakeDelivery({"c"});
  SendAll(silent);
  SendAll(other);
  EXPECT_TRUE(Answer(Verdict::kProcessed));
  EXPECT_FALSE(IsDone(*silent, &problem_));
  EXPECT_EQ(problem_.type.name, "forbidden-by-broker");
  EXPECT_TRUE(IsDone(*other, &problem_));
}

TEST_F(InflightTest, AtQos0AReceiptThatFitsNoneCannotBeTrusted) {
  const auto deliver = [&](const std::shared_ptr<Delivery>& delivery) {
    inflight_.FailAll("");
    SendAll(delivery);
  };
  deliver(MakeDelivery({"a"}, 0, "1"));
  EXPECT_FALSE(AnswerAtQos0("2"));
  deliver(MakeDelivery({"a"}, 0, "1"));
  EXPECT_FALSE(AnswerAtQos0("1", "another/topic"));
  deliver(MakeDelivery({"a"}, 1, "1"));
  EXPECT_FALSE(AnswerAtQos0("1")) << "it is of QoS 1";
  SendAll(MakeDelivery({"b"}, 0, "1"));
  EXPECT_FALSE(AnswerAtQos0("1")) << "the one before it has no receipt yet";
}

TEST_F(InflightTest, AtQos0SilenceIsAnAnswer) {
  const auto silent = MakeDelivery({"a"}, 0);
  const auto other = MakeDelivery({"b"});
  SendAll(silent);
  SendAll(other);
  inflight_.RejectSilent(now_);
  EXPECT_EQ(inflight_.count(), 2u);
  inflight_.RejectSilent(now_ + std::chrono::seconds(1));
  EXPECT_FALSE(IsDone(*silent, &problem_));
  EXPECT_EQ(problem_.type.name, "forbidden-by-broker");
  EXPECT_EQ(inflight_.count(), 1u) << "QoS 1 has a PUBACK";
}

TEST_F(InflightTest, ALostConnectionFailsWhoeverStillWaits) {
  const auto done = MakeDelivery({"a"});
  const auto half = MakeDelivery({"b", "c"});
  SendAll(done);
  SendAll(half);
  Answer(Verdict::kProcessed);
  Answer(Verdict::kProcessed);
  inflight_.FailAll("lost");
  EXPECT_TRUE(IsDone(*done, &problem_));
  EXPECT_FALSE(IsDone(*half, &problem_));
  EXPECT_EQ(problem_.type.name, "broker-unavailable");
  EXPECT_EQ(problem_.detail, "lost");
  EXPECT_EQ(inflight_.count(), 0u);
}

TEST_F(InflightTest, AWaitEndsWithTheLastReceiptOrWithItsPatience) {
  const auto delivery = MakeDelivery({"a"});
  SendAll(delivery);
  EXPECT_FALSE(delivery->Wait(std::chrono::milliseconds(1), &problem_));
  EXPECT_EQ(problem_.type.name, "broker-unavailable");
  EXPECT_THAT(problem_.detail, HasSubstr("safe"));
  std::thread broker([this] { Answer(Verdict::kProcessed); });
  EXPECT_TRUE(delivery->Wait(std::chrono::seconds(30), &problem_));
  broker.join();
}

}  // namespace
}  // namespace dedup::sidecar
