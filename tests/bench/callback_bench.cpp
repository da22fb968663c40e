// What the message callback costs, without a broker around it: the real Deduplicator with its journal, store and
// threads in a directory of its own, fed with publishes made beforehand.
//
//   callback_bench [--keys N] [--events N] [--rate N] [--data-dir DIR] [--json FILE]
//       ns of CPU time of the calling thread for a new event, a duplicate and a message without an id while N ids are
//       known (default 10,000,000; a DIR that is kept knows them at the next run), and where they go
//   callback_bench --index [--keys N] [--json FILE]
//       the index alone: bytes of resident memory a key, and how long single inserts take
//
// The publishes come at --rate a second (default 100,000), in turns of 100 as a broker's loop would take them, since at
// full speed in one process they would outrun the store as no broker can.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/crc32c.h"
#include "plugin/core/control/top_counts.h"
#include "plugin/core/deduplicator.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/event/key.h"
#include "plugin/core/index/growing_memory.h"
#include "plugin/core/index/index.h"
#include "plugin/core/journal/journal.h"
#include "tests/bench/measuring.h"
#include "tests/bench/numbered_payloads.h"

namespace {

using namespace dedup;
using namespace dedup::bench;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kTopic = "sensor/1";
constexpr std::size_t kEventsPerTurn = 100;
constexpr std::size_t kIndexBytesPerKey = 22;

struct Settings {
  std::uint64_t keys = 10'000'000;
  std::uint64_t events = 500'000;
  std::uint64_t rate = 100'000;
  bool index_only = false;
  std::filesystem::path data_dir;
  std::string json;
};

// --- What is published ---------------------------------------------------------------------------

std::string PayloadWithoutId(std::uint64_t i) {
  return Padded("{\"topic\":\"sensor/1\",\"serial\":\"" + IdOf(i) +
                "\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"bench\",\"payload\":\"");
}

Publish MakePublish(std::string_view payload) {
  return {.topic = kTopic,
          .payload = payload,
          .client_id = {},
          .username = {},
          .user_properties = {},
          .properties = {},
          .qos = 1,
          .retain = false};
}

// --- Measuring -----------------------------------------------------------------------------------

double ProcessCpuNs() { return ReadNs(CLOCK_PROCESS_CPUTIME_ID); }

// The time of single calls. One that took long is asked for its CPU time: what it spent waiting for a processor is not
// its own.
class Latencies {
 public:
  static constexpr std::array<double, 8> kBounds_us = {1, 3, 10, 30, 100, 300, 1000, 1e300};

  void BeginTurn() {
    turn_cpu_ns_ = ThreadCpuNs();
    quick_ns_ = 0;
  }
  void Add(double wall_ns) {
    double ns = wall_ns;
    if (wall_ns > 30'000) {
      const double cpu_ns = ThreadCpuNs();
      ns = std::clamp(cpu_ns - turn_cpu_ns_ - quick_ns_, 0.0, wall_ns);
      turn_cpu_ns_ = cpu_ns;
      quick_ns_ = 0;
      wall_max_ns_ = std::max(wall_max_ns_, wall_ns);
    } else {
      quick_ns_ += wall_ns;
    }
    max_ns_ = std::max(max_ns_, ns);
    wall_max_ns_ = std::max(wall_max_ns_, wall_ns);
    std::size_t bucket = 0;
    while (ns / 1000 >= kBounds_us[bucket]) ++bucket;
    ++counts_[bucket];
  }

  void Print(const char* what) const {
    std::printf("%s, CPU us, how many took:", what);
    for (std::size_t i = 0; i + 1 < kBounds_us.size(); ++i) {
      std::printf("  <%g: %llu", kBounds_us[i], static_cast<unsigned long long>(counts_[i]));
    }
    std::printf(
        "  more: %llu\n  longest %.1f us (%.1f us by the clock on the wall, waiting for a processor included)\n",
        static_cast<unsigned long long>(counts_.back()), max_ns_ / 1000, wall_max_ns_ / 1000);
  }
  double max_us() const { return max_ns_ / 1000; }
  std::uint64_t above_1ms() const { return counts_.back(); }

 private:
  std::array<std::uint64_t, kBounds_us.size()> counts_{};
  double max_ns_ = 0;
  double wall_max_ns_ = 0;
  double turn_cpu_ns_ = 0;
  double quick_ns_ = 0;
};

// Names and figures, for the table and for --json.
class Results {
 public:
  void Add(const std::string& name, double value) {
    std::printf("  %-44s %10.1f\n", name.c_str(), value);
    std::fflush(stdout);
    AddQuietly(name, value);
  }
  void AddQuietly(const std::string& name, double value) { values_.emplace_back(name, value); }
  void Write(const std::string& file) const {
    std::ofstream out(file);
    const char* separator = "{";
    for (const auto& [name, value] : values_) {
      out << separator << "\n  \"" << name << "\": " << value;
      separator = ",";
    }
    out << "\n}\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + file);
  }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

// ns a call of body(i), for i below `count`.
template <class Body>
double Measure(std::uint64_t count, Body body) {
  const double begin = ThreadCpuNs();
  for (std::uint64_t i = 0; i < count; ++i) body(i);
  return (ThreadCpuNs() - begin) / static_cast<double>(count);
}

// --- The callback --------------------------------------------------------------------------------

class Callback {
 public:
  Callback(const Settings& settings, const std::filesystem::path& data_dir)
      : settings_(settings), dedup_([&] {
          Options options;
          options.data_dir = data_dir;
          return options;
        }()) {}

  // Publishes small events until `keys` are known; returns how many are.
  std::uint64_t Fill(std::uint64_t known, std::uint64_t keys) {
    for (; known < keys; ++known) {
      const std::string payload = "{\"event_id\":\"" + IdOf(known) + "\"}";
      while (dedup_.OnPublish(MakePublish(payload)).verdict == Verdict::kRefused) {
        Turn();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      if (known % kEventsPerTurn == 0) Turn();
    }
    // Until what was published is stored: the writer's work for it belongs to no figure.
    double before = -1;
    for (double now = ProcessCpuNs(); now - before > 20e6; now = ProcessCpuNs()) {
      before = now;
      Turn();
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    return known;
  }

  struct Cost {
    double ns = 0;  // median over the turns
    double mean_ns = 0;
    double others_ns = 0;  // of the other threads, a message
    double turn_ns = 0;    // of OnTurn, a message, called after each as by Mosquitto 2.0
  };

  // Publishes settings.events payloads at the wanted rate.
  template <class MakePayload>
  Cost Run(Verdict expected, MakePayload make_payload) {
    return RunTurns(make_payload, [&](const std::string& payload) {
      const Verdict verdict = OnMessage(payload);
      if (verdict != expected && verdict != Verdict::kRefused) throw std::runtime_error("unexpected verdict");
      return verdict == expected;
    });
  }

  template <class MakePayload, class Body>
  Cost RunTurns(MakePayload make_payload, Body body) {
    std::vector<double> turns;
    std::vector<std::string> payloads(kEventsPerTurn);
    double own_ns = 0;
    double turn_ns = 0;
    double beside_ns = 0;  // this thread's, for making the payloads
    const double process_begin = ProcessCpuNs();
    const double thread_begin = ThreadCpuNs();
    const auto begin = SteadyClock::now();
    for (std::uint64_t done = 0; done < settings_.events; done += kEventsPerTurn) {
      for (std::size_t i = 0; i < kEventsPerTurn; ++i) payloads[i] = make_payload(done + i);
      const double start = ThreadCpuNs();
      bool refused = false;
      for (const std::string& payload : payloads) {
        refused |= !body(payload);
      }
      const double middle = ThreadCpuNs();
      for (std::size_t i = 0; i < kEventsPerTurn; ++i) Turn();
      const double end = ThreadCpuNs();
      if (refused) {  // the store does not keep up with --rate: give it time, and count the turn as none
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        continue;
      }
      turns.push_back((middle - start) / kEventsPerTurn);
      own_ns += middle - start;
      turn_ns += end - middle;
      WaitFor(begin, done + kEventsPerTurn);
    }
    beside_ns = ThreadCpuNs() - thread_begin;
    const auto events = static_cast<double>(turns.size() * kEventsPerTurn);
    return {UpperMedian(turns), own_ns / events, (ProcessCpuNs() - process_begin - beside_ns) / events,
            turn_ns / events};
  }

  // In place of the callback a single load, from anywhere in memory as large as the index's: no look-up can be quicker,
  // and each depends on the one before as on a message's hash.
  Cost RunLoads() {
    GrowingMemory memory;
    memory.Grow(settings_.keys * kIndexBytesPerKey);
    memory.Prepare();
    const auto* const words = reinterpret_cast<const std::uint64_t*>(memory.data());
    const std::uint64_t count = settings_.keys * kIndexBytesPerKey / sizeof *words;
    std::uint64_t number = 0;
    return RunTurns([](std::uint64_t) { return std::string(); },
                    [&](const std::string&) {
                      number = Mix(number + words[number % count] + 1);
                      Keep(number);
                      return true;
                    });
  }

  Latencies RunSingly(std::uint64_t first) {
    Latencies latencies;
    std::vector<std::string> payloads(kEventsPerTurn);
    const auto begin = SteadyClock::now();
    for (std::uint64_t done = 0; done < settings_.events; done += kEventsPerTurn) {
      for (std::size_t i = 0; i < kEventsPerTurn; ++i) payloads[i] = EventPayload(first + done + i);
      latencies.BeginTurn();
      for (const std::string& payload : payloads) {
        const double start = ReadNs(CLOCK_MONOTONIC);
        Keep(OnMessage(payload));
        latencies.Add(ReadNs(CLOCK_MONOTONIC) - start);
      }
      Turn();
      WaitFor(begin, done + kEventsPerTurn);
    }
    return latencies;
  }

 private:
  // As plugin.cpp does.
  Verdict OnMessage(std::string_view payload) {
    const Publish publish = MakePublish(payload);
    const Verdict verdict = dedup_.OnPublish(publish).verdict;
    if (verdict == Verdict::kPassed) return verdict;
    const bool is_duplicate = verdict == Verdict::kDuplicate;
    top_.topics.Count(publish.topic, is_duplicate);
    if (is_duplicate) top_.duplicate_clients.Count("gateway-7", is_duplicate);
    return verdict;
  }

  void Turn() { dedup_.OnTurn(); }

  // Until `events` are due. Awake, as a broker under load is: asleep, it would find the processor's caches cold.
  void WaitFor(SteadyClock::time_point begin, std::uint64_t events) const {
    const auto due = begin + std::chrono::nanoseconds(events * 1'000'000'000 / settings_.rate);
    while (SteadyClock::now() < due) {
    }
  }

  const Settings& settings_;
  Deduplicator dedup_;
  TopCounts top_;
};

void MeasureCallback(const Settings& settings, const std::filesystem::path& data_dir, Results* results) {
  // How many ids a kept directory knows.
  const std::filesystem::path note = data_dir / "callback_bench.known";
  std::uint64_t known = 0;
  std::ifstream(note) >> known;
  const auto remember = [&] { std::ofstream(note) << known; };

  Callback callback(settings, data_dir);
  known = callback.Fill(known, settings.keys);
  remember();
  std::printf("the callback, %llu ids known, %zu bytes of JSON\n", static_cast<unsigned long long>(known),
              kPayloadBytes);
  const auto report = [&](const std::string& name, const Callback::Cost& cost) {
    results->Add(name + ", ns (median over turns)", cost.ns);
    results->Add(name + ", ns (mean)", cost.mean_ns);
    results->Add(name + ", OnTurn after each, ns", cost.turn_ns);
    results->Add(name + ", other threads, ns", cost.others_ns);
  };
  const std::uint64_t first = known;
  known += 2 * settings.events;
  remember();
  report("new event", callback.Run(Verdict::kProcessed, [&](std::uint64_t i) { return EventPayload(first + i); }));
  report("duplicate",
         callback.Run(Verdict::kDuplicate, [&](std::uint64_t i) { return EventPayload(Mix(i) % settings.keys); }));
  report("passed", callback.Run(Verdict::kPassed, PayloadWithoutId));
  results->Add("one load from memory, ns (median over turns)", callback.RunLoads().ns);
  const Latencies latencies = callback.RunSingly(first + settings.events);
  latencies.Print("single new events");
  results->AddQuietly("longest new event, us", latencies.max_us());
  results->AddQuietly("new events above 1 ms", static_cast<double>(latencies.above_1ms()));
}

// --- Its parts -----------------------------------------------------------------------------------

KeyHash RandomKey(std::uint64_t i) { return {.high = Mix(2 * i + 1), .low = Mix(2 * i + 2)}; }

void MeasureParts(const Settings& settings, const std::filesystem::path& data_dir, Results* results) {
  constexpr std::uint64_t kPayloads = 1000;
  const std::uint64_t events = settings.events;
  std::vector<std::string> payloads;
  std::vector<std::string> others;
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < kPayloads; ++i) {
    payloads.push_back(EventPayload(i));
    others.push_back(PayloadWithoutId(i));
    ids.push_back(IdOf(i));
  }
  std::printf("its parts, each alone\n");

  EventIdBuffer buffer;
  results->Add("EventIdSearch, ns", Measure(events, [&](auto i) {
                 Keep(EventIdSearch(payloads[i % kPayloads], "event_id", buffer).Finish());
               }));
  results->Add("EventIdSearch, no id there, ns", Measure(events, [&](auto i) {
                 Keep(EventIdSearch(others[i % kPayloads], "event_id", buffer).Finish());
               }));
  const HashSecret secret = MakeHashSecret();
  results->Add("HashKey, ns", Measure(events, [&](auto i) { Keep(HashKey(secret, kTopic, ids[i % kPayloads])); }));

  Index index;
  for (std::uint64_t i = 0; i < settings.keys; ++i) {
    const KeyHash key = RandomKey(i);
    index.Reserve(key, i + 1);
    index.Insert(key, i + 1);
  }
  results->Add("Index::Find, unknown, ns",
               Measure(events, [&](auto i) { Keep(index.Find(RandomKey(settings.keys + 1 + i))); }));
  results->Add("Index::Find, known, ns",
               Measure(events, [&](auto i) { Keep(index.Find(RandomKey(Mix(i) % settings.keys))); }));
  results->Add("Index::Reserve and Insert, ns", Measure(events, [&](auto i) {
                 const KeyHash key = RandomKey(settings.keys + 1 + i);
                 index.Reserve(key, settings.keys + 1 + i);
                 index.Insert(key, settings.keys + 1 + i);
               }));

  TopList top;
  results->Add("TopList::Count, known, ns", Measure(events, [&](auto i) { top.Count(ids[i % 8], true); }));
  results->Add("TopList::Count, mostly new texts, ns",
               Measure(events, [&](auto i) { top.Count(ids[i % kPayloads], true); }));

  const Clock clock({});
  results->Add("Clock::Now, ns", Measure(events, [&](auto) { Keep(clock.Now()); }));
  results->Add("Crc32c, ns", Measure(events, [&](auto i) {
                 const std::string& payload = payloads[i % kPayloads];
                 Keep(Crc32c(payload.data(), payload.size()));
               }));

  const std::filesystem::path journal_dir = data_dir / "journal-alone";
  std::filesystem::create_directories(journal_dir);
  const auto journal = Journal::Create(journal_dir, Options{}.journal_bytes, {});
  Event event{.seq = 0, .topic = kTopic, .event_id = {}, .properties = {}, .payload = {}};
  const auto append = [&](std::uint64_t i) {
    ++event.seq;
    event.event_id = ids[i % kPayloads];
    event.payload = payloads[i % kPayloads];
    if (!journal->Prepare(event)) throw std::runtime_error("the journal is full");
    journal->Commit();
  };
  const std::uint64_t appends = std::min<std::uint64_t>(events, 100'000);
  journal->Prefault(appends * 512);
  results->Add("Journal::Prepare and Commit, pages writable, ns", Measure(appends, append));
  results->Add("Journal::Prepare and Commit, with page faults, ns", Measure(appends, append));
  std::filesystem::remove_all(journal_dir);
}

// --- The index alone -----------------------------------------------------------------------------

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void MeasureIndex(const Settings& settings, Results* results) {
  const double before = ResidentBytes();
  Index index;
  // As the prefaulter does.
  const std::jthread preparer([&index](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      index.PrepareMemory();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  Latencies latencies;
  for (std::uint64_t i = 0; i < settings.keys; ++i) {
    if (i % kEventsPerTurn == 0) latencies.BeginTurn();
    const KeyHash key = RandomKey(i);
    const double start = ReadNs(CLOCK_MONOTONIC);
    if (index.Find(key)) throw std::runtime_error("the index knows a key that it was not told");
    index.Reserve(key, i + 1);
    index.Insert(key, i + 1);
    latencies.Add(ReadNs(CLOCK_MONOTONIC) - start);
  }
  std::printf("the index, %llu keys\n", static_cast<unsigned long long>(settings.keys));
  results->Add("resident bytes a key", (ResidentBytes() - before) / static_cast<double>(settings.keys));
  latencies.Print("single Find and Insert");
  results->AddQuietly("longest insert, us", latencies.max_us());
  results->AddQuietly("inserts above 1 ms", static_cast<double>(latencies.above_1ms()));
}

Settings ParseArguments(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--index") {
      settings.index_only = true;
      continue;
    }
    if (++i == count) throw std::runtime_error(std::string(name) + " needs a value");
    const auto number = [&] { return std::strtoull(arguments[i], nullptr, 10); };
    if (name == "--keys") {
      settings.keys = std::max<std::uint64_t>(number(), 1);
    } else if (name == "--events") {
      settings.events = std::max<std::uint64_t>(number(), 1);
    } else if (name == "--rate") {
      settings.rate = std::max<std::uint64_t>(number(), 1);
    } else if (name == "--data-dir") {
      settings.data_dir = arguments[i];
    } else if (name == "--json") {
      settings.json = arguments[i];
    } else {
      throw std::runtime_error("unknown option " + std::string(name));
    }
  }
  return settings;
}

}  // namespace

int main(int count, char** arguments) try {
  const Settings settings = ParseArguments(count, arguments);
  Results results;
  if (settings.index_only) {
    MeasureIndex(settings, &results);
  } else {
    std::filesystem::path data_dir = settings.data_dir;
    if (data_dir.empty()) {
      char name[] = "/tmp/dedup-callback-bench-XXXXXX";
      if (mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a directory in /tmp");
      data_dir = name;
    }
    MeasureCallback(settings, data_dir, &results);
    MeasureParts(settings, data_dir, &results);
    if (settings.data_dir.empty()) std::filesystem::remove_all(data_dir);
  }
  if (!settings.json.empty()) results.Write(settings.json);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "callback_bench: %s\n", error.what());
  return 1;
}
