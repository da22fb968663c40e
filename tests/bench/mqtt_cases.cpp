// What the plugin costs a broker, one dimension varied at a time, and whether it keeps up for long.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/core/store/event_reader.h"
#include "tests/bench/cases.h"
#include "tests/bench/mqtt_load.h"
#include "tests/bench/numbered_rules.h"

namespace dedup::bench {
namespace {

constexpr std::size_t kMessages = 100'000;
// Of a pair's messages: the first make caches, allocations and the broker's own tables warm, the last are paced.
constexpr double kWarmUpShare = 0.05;
constexpr double kPacedShare = 0.4;
// What a message costs is measured in this many turns of each side, so short that both see the machine in one mood.
constexpr std::size_t kTurns = 11;

// What the last of 20 rules says.
constexpr std::string_view kElsewhere = R"({"name":"other","topics":["sensors/#"],"key":["/source","/event_id"]})";
constexpr std::string_view kTwoPointers = R"({"name":"two","topics":["sensor/#"],"key":["/source","/event_id"]})";
constexpr std::string_view kPayload =
    R"({"name":"all","topics":["sensor/#"],"key":["payload"],"ignore":["/source","/timestamp"],"window":"10m"})";

// The writer is behind the broker: its work counts too.
void AwaitStored(EventReader& reader) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (reader.StoredSeq() < reader.ReadStatistics().accepted_seq) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the store does not keep up");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// A fresh broker and its load.
class Side {
 public:
  Side(const Context& context, const Script& script, bool with_plugin)
      : broker_(context.programs, with_plugin ? data_dir_.path() : std::filesystem::path(), script.workload().rules),
        are_events_(script.workload().are_events),
        load_(broker_.port(), script, with_plugin) {
    if (with_plugin) reader_.emplace(data_dir_.path());
  }
  ~Side() = default;
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  Load& load() { return load_; }
  const Process& process() { return broker_.process(); }

  struct Cost {
    double main_us;
    double all_us;
    double messages_per_s;
    double sleeps;  // of the main thread, per 1,000 messages
  };
  // The messages up to `end`, of which there are `messages`, and until no thread has work any more.
  Cost Run(std::size_t end, std::size_t messages) {
    const double sleeps = process().MainSleeps();
    const Process::CpuNs before = process().Cpu();
    const double seconds = load_.Saturate(end, Load::Waiting::kAwake);
    // The kernel adds up a thread's time when it goes to sleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const Process::CpuNs after = process().Cpu();
    const double sleeps_after = process().MainSleeps();
    AwaitQuiet();
    const auto count = static_cast<double>(messages);
    const double others_ns = process().Cpu().others - before.others;
    return {.main_us = (after.main - before.main) / 1000 / count,
            .all_us = (after.main - before.main + others_ns) / 1000 / count,
            .messages_per_s = count / seconds,
            .sleeps = (sleeps_after - sleeps) * 1000 / count};
  }

  // Until everything is stored and the writer's checkpoints are over.
  void AwaitQuiet() {
    if (!reader_) return;
    AwaitStored(*reader_);
    double before = 0;
    for (double now = process().Cpu().others; now - before > 1e6; now = process().Cpu().others) {
      before = now;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void CheckVerdicts() {
    if (!reader_) return;
    const Statistics statistics = reader_->ReadStatistics();
    if (statistics.refused != 0) throw std::runtime_error("the plugin refused events");
    if ((are_events_ ? statistics.passed : statistics.received()) != 0) {
      throw std::runtime_error(are_events_ ? "the plugin took messages for no events"
                                           : "the plugin took messages for events");
    }
  }

 private:
  const TempDir data_dir_;
  Broker broker_;
  const bool are_events_;
  Load load_;
  std::optional<EventReader> reader_;
};

void AddPair(Result& result, const char* name, double reference, double value) {
  Figure& figure = result[name];
  figure.reference.push_back(reference);
  figure.values.push_back(value);
}

// What a message costs, at full speed. Whoever sends to a thread that sleeps pays for waking it up, and on two
// processors the plugin's writer and the load, taking turns on one, sleep less than the load alone: with a load that
// sleeps, a broker with the plugin came out cheaper than without. So the load does not sleep. Then the main threads of
// both sides do the same: they sleep less than once in 1,000 messages (it is among the figures), and make the same
// system calls: by /proc/PID/io 2.0.11 reads 4.0 times for a message with QoS 0, 7.0 times with QoS 1.
void MeasureCosts(const Context& context, const Script& script, std::size_t end, Result& result) {
  Side bare(context, script, false);
  Side dedup(context, script, true);
  const Apart apart({&bare.process(), &dedup.process()});
  const auto warm = static_cast<std::size_t>(kWarmUpShare * static_cast<double>(script.size()));
  bare.Run(warm, warm);
  dedup.Run(warm, warm);
  std::size_t begin = warm;
  for (std::size_t turn = 1; turn <= kTurns; ++turn) {
    const std::size_t turn_end = warm + (end - warm) * turn / kTurns;
    const Side::Cost reference = bare.Run(turn_end, turn_end - begin);
    const Side::Cost cost = dedup.Run(turn_end, turn_end - begin);
    begin = turn_end;
    AddPair(result, "main thread, CPU us a message", reference.main_us, cost.main_us);
    AddPair(result, "all threads, CPU us a message", reference.all_us, cost.all_us);
    AddPair(result, "messages a second", reference.messages_per_s, cost.messages_per_s);
    result["bare main thread, sleeps per 1,000 messages"].values.push_back(reference.sleeps);
    result["main thread with dedup, the same"].values.push_back(cost.sleeps);
  }
  dedup.CheckVerdicts();
}

// How long deliveries take at half of what the bare broker takes at most, with a load that sleeps, as clients do.
void MeasureLatencies(const Context& context, const Script& script, std::size_t begin, Result& result) {
  double paced_per_s = 0;
  const auto run = [&](bool with_plugin) {
    Side side(context, script, with_plugin);
    const double seconds = side.load().Saturate(begin, Load::Waiting::kAsleep);
    if (paced_per_s == 0) paced_per_s = static_cast<double>(begin) / seconds / 2;
    side.AwaitQuiet();  // what full speed has left to the writer is not of half of it
    std::vector<double> latencies_ms = side.load().Pace(script.size(), paced_per_s);
    side.CheckVerdicts();
    return latencies_ms;
  };
  const std::vector<double> bare_ms = run(false);
  const std::vector<double> dedup_ms = run(true);
  if (bare_ms.empty()) return;  // nothing but duplicates
  for (const auto& [name, share] :
       {std::pair("latency p50, ms", 0.5), {"latency p99, ms", 0.99}, {"latency p99.9, ms", 0.999}}) {
    AddPair(result, name, Percentile(bare_ms, share), Percentile(dedup_ms, share));
  }
}

void MeasurePairs(const Context& context, const Workload& workload, std::size_t messages, Result& result) {
  const Script script(workload, std::max<std::size_t>(context.Scaled(messages), 100));
  const auto paced = static_cast<std::size_t>((1 - kPacedShare) * static_cast<double>(script.size()));
  for (int pair = 0; pair < context.pairs; ++pair) {
    MeasureCosts(context, script, paced, result);
    MeasureLatencies(context, script, paced, result);
  }
}

// How full the journal is, looked at by a thread of its own.
class JournalGauge {
 public:
  explicit JournalGauge(const std::filesystem::path& data_dir)
      : thread_([this, data_dir] {
          EventReader reader(data_dir);
          while (!stop_) {
            const Statistics statistics = reader.ReadStatistics();
            const double percent = 100 * static_cast<double>(statistics.journal_used_bytes) /
                                   static_cast<double>(statistics.journal_size_bytes);
            if (percent > percent_max_) percent_max_ = percent;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        }) {}
  ~JournalGauge() {
    stop_ = true;
    thread_.join();
  }
  JournalGauge(const JournalGauge&) = delete;
  JournalGauge& operator=(const JournalGauge&) = delete;

  // The highest since the last call.
  double TakePercentMax() { return percent_max_.exchange(0); }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<double> percent_max_{0};
  std::thread thread_;  // last, for it uses all of the above
};

// As fast as one publisher gets acknowledgements, for ten minutes.
void MeasureSustained(const Context& context, Result& result) {
  constexpr double kSeconds = 600;
  constexpr int kSamples = 20;
  const auto seconds_since = [](std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Script script({}, std::max<std::size_t>(context.Scaled(kMessages), 1000));
  // Runs whole laps of the script for so long. Returns the messages a second.
  const auto run = [&](Load& load, double seconds) {
    std::size_t messages = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (seconds_since(begin) < seconds) {
      script.RenewIds();
      load.Rewind();
      load.Saturate(script.size(), Load::Waiting::kAsleep);
      messages += script.size();
    }
    return static_cast<double>(messages) / seconds_since(begin);
  };

  double bare_per_s = 0;
  {
    Broker bare(context.programs);
    Load load(bare.port(), script, false);
    bare_per_s = run(load, kSeconds / kSamples * context.scale);
  }
  const TempDir data_dir;
  Broker broker(context.programs, data_dir.path());
  EventReader reader(data_dir.path());
  Load load(broker.port(), script, true);
  JournalGauge gauge(data_dir.path());
  const auto begin = std::chrono::steady_clock::now();
  const auto run_sample = [&] {
    try {
      return run(load, kSeconds / kSamples * context.scale);
    } catch (const std::runtime_error&) {
      const Statistics statistics = reader.ReadStatistics();
      if (statistics.refused == 0) throw;
      throw std::runtime_error("the journal was full after " + std::to_string(seconds_since(begin)) + " s and " +
                               std::to_string(statistics.processed) + " events; the bare broker takes " +
                               std::to_string(bare_per_s) + " a second");
    }
  };
  for (int sample = 0; sample < kSamples; ++sample) {
    Figure& rate = result["messages a second"];
    rate.reference.push_back(bare_per_s);
    rate.values.push_back(run_sample());
    result["journal fill, highest, %"].values.push_back(gauge.TakePercentMax());
  }
  AwaitStored(reader);
  const auto events = static_cast<double>(reader.ReadStatistics().processed);
  result["events"].values = {events};
  result["bytes written an event"].values = {broker.process().WrittenBytes() / events};
}

Case PairCase(const std::string& name, const std::string& title, const Workload& workload, bool is_in_plan = true,
              std::size_t messages = kMessages) {
  return {"mqtt." + name, title, is_in_plan, true, [=](const Context& context, Result& result) {
            result.reference_name = "bare";
            MeasurePairs(context, workload, messages, result);
          }};
}

}  // namespace

std::vector<Case> MqttCases() {
  using IdPlace = Workload::IdPlace;
  return {
      PairCase("qos0", "QoS 0", {.qos = 0}),
      PairCase("qos1", "QoS 1", {}),
      PairCase("qos2", "QoS 2", {.qos = 2}),
      PairCase("no_id", "QoS 1, messages without an id", {.id_place = IdPlace::kNone, .are_events = false}),
      PairCase("duplicates20", "QoS 1, 20 % duplicates", {.duplicates_percent = 20}),
      PairCase("duplicates100", "QoS 1, 100 % duplicates", {.duplicates_percent = 100}),
      PairCase("qos0_duplicates100", "QoS 0, 100 % duplicates", {.qos = 0, .duplicates_percent = 100}, false),
      PairCase("qos2_duplicates100", "QoS 2, 100 % duplicates", {.qos = 2, .duplicates_percent = 100}, false),
      PairCase("payload2k", "QoS 1, 2 KB", {.payload_bytes = 2 << 10}, true, kMessages / 2),
      PairCase("payload64k", "QoS 1, 64 KB", {.payload_bytes = 64 << 10}, true, kMessages / 20),
      PairCase("publishers50", "QoS 1, 50 publishers", {.publishers = 50}),
      PairCase("qos0_publishers50", "QoS 0, 50 publishers", {.qos = 0, .publishers = 50}, false),
      PairCase("uuid7", "QoS 1, ids UUIDv7", {.ids = IdKind::kUuidV7}),
      PairCase("counter", "QoS 1, ids 1, 2, 3 …", {.ids = IdKind::kCounter}),
      PairCase("v5", "QoS 1, MQTT v5", {.version = MqttVersion::k5}),
      PairCase("v5_property", "QoS 1, MQTT v5, id as a user property",
               {.version = MqttVersion::k5, .id_place = IdPlace::kUserProperty}),
      PairCase("rules_no_match", "QoS 1, 20 rules, none for the topic, messages without an id",
               {.id_place = IdPlace::kNone, .rules = ManyRules(20, kElsewhere), .are_events = false}),
      PairCase("rules_two_pointers", "QoS 1, 20 rules, a key of two pointers", {.rules = ManyRules(20, kTwoPointers)}),
      PairCase("rules_payload", "QoS 1, 20 rules, the payload without two members as key",
               {.id_place = IdPlace::kNone, .rules = ManyRules(20, kPayload)}),
      {"mqtt.sustained", "QoS 1, ten minutes at full speed", false, true,
       [](const Context& context, Result& result) {
         result.reference_name = "bare";
         MeasureSustained(context, result);
       }},
  };
}

}  // namespace dedup::bench
