// A data directory with a Deduplicator that comes and goes, in the words of the design.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/deduplicator.h"
#include "plugin/core/store/event_reader.h"
#include "tests/unit/support/eventually.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {

inline void PrintTo(Verdict verdict, std::ostream* out) {
  constexpr const char* kNames[] = {"processed", "duplicate", "passed", "refused"};
  *out << kNames[static_cast<int>(verdict)];
}

class DeduplicatorFixture : public testing::Test {
 protected:
  using enum Verdict;
  using Message = dedup::Publish;
  using Seqs = std::vector<std::uint64_t>;

  DeduplicatorFixture() {
    options_.data_dir = dir_.path();
    options_.journal_bytes = Journal::kRingBytesMin;
    options_.recovery_delay = std::chrono::hours(1);
  }

  void Start() {
    Stop();
    dedup_.emplace(options_);
  }
  /// In order, as at SIGTERM.
  void Stop() {
    if (dedup_) dedup_->Stop();
    dedup_.reset();
  }
  void Restart() { Start(); }

  /// Starts and runs `body` in a process of its own, which then dies of kill -9.
  template <class Body>
  void KilledAfter(Body body) {
    Stop();
    EXPECT_EXIT(
        {
          // A thread's first allocation maps 128 MB for a moment, for an arena of its own: an AddressLimit that is set
          // just then would leave all of it.
          mallopt(M_ARENA_MAX, 1);
          Start();
          body();
          std::fflush(stdout);
          if (!HasFailure()) kill(getpid(), SIGKILL);
          _exit(1);
        },
        testing::KilledBySignal(SIGKILL), "");
  }

  /// Publishes {"event_id":<id>}; the outcome is valid until the next.
  Decision Publish(std::string_view event_id, std::string_view topic = "t", std::uint8_t qos = 1) {
    payload_ = "{\"event_id\":\"" + std::string(event_id) + "\"}";
    Message message = MakeMessage(payload_, topic);
    message.qos = qos;
    return Send(message);
  }
  /// One that an orderly stop right behind it leaves in doubt.
  Decision PublishAtQos2(std::string_view event_id) { return Publish(event_id, "t", 2); }
  static Message MakeMessage(std::string_view payload, std::string_view topic = "t") {
    return {.topic = topic,
            .payload = payload,
            .client_id = {},
            .username = {},
            .user_properties = {},
            .properties = {},
            .qos = 1};
  }
  /// With the id in a user property, in place of the one that it may have; for one message at a time.
  void SetIdProperty(Message* message, std::string_view id) {
    id_property_ = {"event_id", id};
    message->user_properties = {&id_property_, 1};
  }
  Decision Send(const Message& message) { return dedup_->OnPublish(message); }
  Decision Send(std::string_view payload) { return Send(MakeMessage(payload)); }
  Verdict VerdictOf(std::string_view event_id, std::string_view topic = "t") {
    return Publish(event_id, topic).verdict;
  }
  /// Events "1" … with `bytes` of payload each, and then small ones, until none has room any more; returns how many
  /// were processed.
  std::uint64_t PublishUntilFull(std::size_t bytes = 1000) {
    std::uint64_t count = 0;
    for (const std::size_t size : {bytes, std::size_t{0}}) {
      for (;; ++count) {
        payload_ = "{\"event_id\":" + std::to_string(count + 1) + ",\"x\":\"" + std::string(size, 'x') + "\"}";
        if (Send(payload_).verdict != kProcessed) break;
      }
    }
    return count;
  }
  void Turn(int turns = 1) {
    for (; turns != 0; --turns) dedup_->OnTurn();
  }
  /// Takes all events that are overdue.
  Seqs TakeOverdue() {
    Seqs seqs;
    while (const auto event = dedup_->TakeOverdue()) seqs.push_back(event->seq);
    return seqs;
  }

  static constexpr std::string_view kFullMessageId{"i\0d", 3};
  /// A publish with something in every part, and what a text's end or a missing escape would spoil.
  static Message MakeFullMessage() {
    using std::string_view_literals::operator""sv;
    static constexpr UserProperty kProperties[] = {{"event_id", kFullMessageId}};
    return {.topic = "größe/1",
            .payload = "\0\xFF"sv,
            .client_id = {},
            .username = {},
            .user_properties = kProperties,
            .properties = "\x26properties\0"sv,
            .qos = 2,
            .retain = true};
  }
  /// Takes that message, which is overdue as the event `seq`.
  void TakeFullMessage(std::uint64_t seq) {
    const Message message = MakeFullMessage();
    const auto event = dedup_->TakeOverdue();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->seq, seq);
    EXPECT_EQ(event->topic, message.topic);
    EXPECT_EQ(event->event_id, kFullMessageId);
    EXPECT_EQ(event->payload, message.payload);
    EXPECT_EQ(event->properties, message.properties);
    EXPECT_EQ(event->qos, message.qos);
    EXPECT_EQ(event->retain, message.retain);
  }

  std::string TakeLog() {
    std::string text;
    for (const LogLine& line : dedup_->log().Take()) text += line.text + "\n";
    return text;
  }
  Statistics Stats() { return EventReader(dir_.path()).ReadStatistics(); }
  /// The seqs of all rows, once the writer has stored what was accepted.
  Seqs Rows() {
    EventReader reader(dir_.path());
    EXPECT_TRUE(Eventually([&] { return reader.StoredSeq() >= reader.ReadStatistics().accepted_seq; }));
    Seqs seqs;
    for (std::optional<EventRange> rest = EventRange{}; rest;) {
      rest = reader.ReadEvents({}, *rest, [&](const StoredEvent& event) {
        seqs.push_back(event.seq);
        return true;
      });
    }
    return seqs;
  }
  static Seqs UpTo(std::uint64_t last) {
    Seqs seqs;
    for (std::uint64_t seq = 1; seq <= last; ++seq) seqs.push_back(seq);
    return seqs;
  }

  TempDir dir_;
  Options options_;
  UserProperty id_property_;
  std::string payload_;
  std::optional<Deduplicator> dedup_;
};

}  // namespace dedup
