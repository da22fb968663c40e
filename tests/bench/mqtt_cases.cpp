// What the plugin costs a broker, one dimension varied at a time, and whether it keeps up for long.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "cases.h"
#include "event_reader.h"
#include "mqtt_load.h"

namespace dedup::bench {
namespace {

constexpr std::size_t kMessages = 100'000;
// Of a run's messages: the first make caches, allocations and the broker's own tables warm, the last are paced.
constexpr double kWarmUpShare = 0.05;
constexpr double kPacedShare = 0.4;

struct Cost {
  double main_us;
  double all_us;
  double messages_per_s;
  std::vector<double> latencies_ms;
};

// The writer is behind the broker: its work counts too.
void AwaitStored(EventReader& reader) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (reader.StoredSeq() < reader.ReadStatistics().accepted_seq) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the store does not keep up");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void CheckNothingRefused(EventReader& reader) {
  if (reader.ReadStatistics().refused != 0) throw std::runtime_error("the plugin refused events");
}

// One run on a fresh broker. `paced_per_s` 0: half of what it takes at most.
Cost Measure(const Context& context, const Script& script, bool with_plugin, double paced_per_s) {
  const TempDir data_dir;
  Broker broker(context.programs, with_plugin ? data_dir.path() : std::filesystem::path());
  Load load(broker.port(), script, with_plugin);
  const auto share = [&](double part) { return static_cast<std::size_t>(part * static_cast<double>(script.size())); };
  const std::size_t warm = share(kWarmUpShare);
  const std::size_t saturated = share(1 - kPacedShare);

  load.Saturate(warm);
  const Process::CpuNs before = broker.process().Cpu();
  const double seconds = load.Saturate(saturated);
  const Process::CpuNs after = broker.process().Cpu();
  double others_ns = 0;
  if (with_plugin) {
    EventReader reader(data_dir.path());
    AwaitStored(reader);
    others_ns = broker.process().Cpu().others - before.others;
  }
  const auto messages = static_cast<double>(saturated - warm);
  const double main_ns = after.main - before.main;
  Cost cost{main_ns / 1000 / messages, (main_ns + others_ns) / 1000 / messages, messages / seconds, {}};
  cost.latencies_ms = load.Pace(script.size(), paced_per_s != 0 ? paced_per_s : cost.messages_per_s / 2);
  if (with_plugin) {
    EventReader reader(data_dir.path());
    CheckNothingRefused(reader);
  }
  return cost;
}

void MeasurePairs(const Context& context, const Workload& workload, std::size_t messages, Result& result) {
  const Script script(workload, std::max<std::size_t>(context.Scaled(messages), 100));
  double paced_per_s = 0;
  for (int pair = 0; pair < context.pairs; ++pair) {
    const Cost bare = Measure(context, script, false, paced_per_s);
    if (paced_per_s == 0) paced_per_s = bare.messages_per_s / 2;
    const Cost dedup = Measure(context, script, true, paced_per_s);
    const auto add = [&](const char* name, double reference, double value) {
      Figure& figure = result[name];
      figure.reference.push_back(reference);
      figure.values.push_back(value);
    };
    add("main thread, CPU us a message", bare.main_us, dedup.main_us);
    add("all threads, CPU us a message", bare.all_us, dedup.all_us);
    add("messages a second", bare.messages_per_s, dedup.messages_per_s);
    if (bare.latencies_ms.empty()) continue;  // nothing but duplicates
    for (const auto& [name, share] :
         {std::pair("latency p50, ms", 0.5), {"latency p99, ms", 0.99}, {"latency p99.9, ms", 0.999}}) {
      add(name, Percentile(bare.latencies_ms, share), Percentile(dedup.latencies_ms, share));
    }
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
      load.Saturate(script.size());
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
      PairCase("no_id", "QoS 1, messages without an id", {.id_place = IdPlace::kNone}),
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
      {"mqtt.sustained", "QoS 1, ten minutes at full speed", false, true,
       [](const Context& context, Result& result) {
         result.reference_name = "bare";
         MeasureSustained(context, result);
       }},
  };
}

}  // namespace dedup::bench
