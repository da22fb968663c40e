// What rules cost the message callback: from a publish to its key, beside the search for an id that there was before
// rules, in one run.
//
//   rules_bench [--rounds N] [--json FILE]
//       ns of CPU time, medians over N rounds (default 200) in which all cases take turns, and the promises beside them
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/event/event_id.h"
#include "plugin/core/event/key.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rules_file.h"
#include "tests/bench/measuring.h"
#include "tests/bench/numbered_payloads.h"
#include "tests/bench/numbered_rules.h"

namespace {

using namespace dedup;
using namespace dedup::bench;

constexpr HashSecret kSecret = {7, 3, 1};
constexpr std::size_t kPayloads = 64;
constexpr std::size_t kCallsPerRound = 512;

// --- What is published: 200 bytes of JSON, as in callback_bench ----------------------------------

// The same bytes, but for the names of two members.
std::string WithTwoParts(std::uint64_t i) {
  return Padded("{\"plant\":\"sensor/1\",\"frame_id\":\"" + IdOf(i) +
                "\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"bench\",\"payload\":\"");
}

std::string Reading(std::uint64_t i) {
  return "{\"mac\":\"A4C138" + IdOf(i).substr(0, 6) + "\",\"name\":\"LYWSD03MMC\",\"rssi\":-" +
         std::to_string(40 + i % 50) +
         ",\"brand\":\"Xiaomi\",\"model\":\"TH Sensor\",\"model_id\":\"LYWSD03MMC_PVVX\",\"tempc\":21." +
         std::to_string(i % 100) + ",\"hum\":43.2,\"batt\":87,\"volt\":2.947,\"distance\":3.4}";
}

// About `size` bytes of an array of readings.
std::string Readings(std::size_t size) {
  std::string json = "{\"gateway\":\"a\",\"readings\":[";
  for (std::uint64_t i = 0; json.size() < size; ++i) json += (i == 0 ? "" : ",") + Reading(i);
  return json + "]}";
}

// --- Rules ---------------------------------------------------------------------------------------

RuleSet ParseText(const std::string& text) {
  RulesFile file = ParseRules(text, {});
  if (!file.rules) throw std::runtime_error(file.errors.front());
  return std::move(*file.rules);
}
RuleSet Parse(const std::string& rules) { return ParseText("{\"rules\":[" + rules + "]}"); }

constexpr std::string_view kTwoPointers =
    R"({"name":"two","topics":["sensor/#"],"key":["/plant","/frame_id"],"window":"10m"})";

// --- Measuring -----------------------------------------------------------------------------------

class Bench {
 public:
  explicit Bench(int rounds) : rounds_(rounds) {}

  // `body(i)` is called with 0, 1, 2 …; a call counts as `units`.
  void Add(const std::string& name, double units, std::function<void(std::size_t)> body,
           std::size_t calls = kCallsPerRound) {
    cases_.push_back({name, units, calls, std::move(body), {}});
  }
  void Run() {
    for (int round = -1; round < rounds_; ++round) {
      for (Case& one : cases_) {
        const double begin = ThreadCpuNs();
        for (std::size_t i = 0; i < one.calls; ++i) one.body(i);
        const double ns = (ThreadCpuNs() - begin) / static_cast<double>(one.calls) / one.units;
        if (round >= 0) one.ns.push_back(ns);
      }
    }
    for (Case& one : cases_) results_[one.name] = UpperMedian(one.ns);
    for (const Case& one : cases_) std::printf("  %-58s %10.2f\n", one.name.c_str(), results_[one.name]);
  }
  // The median of the differences (or of the figures themselves) within each round.
  void Promise(const std::string& text, const std::string& name, const std::string& base, double max) {
    const auto& a = Find(name).ns;
    std::vector<double> differences = a;
    if (!base.empty()) {
      const auto& b = Find(base).ns;
      for (std::size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
    }
    const double value = UpperMedian(differences);
    std::printf("  %-58s %10.2f   promised %g%s\n", text.c_str(), value, max, value <= max ? "" : "  ABOVE");
    results_[text] = value;
  }
  void Write(const std::string& file) const {
    std::ofstream out(file);
    const char* separator = "{";
    for (const auto& [name, value] : results_) {
      out << separator << "\n  \"" << name << "\": " << value;
      separator = ",";
    }
    out << "\n}\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + file);
  }

 private:
  struct Case {
    std::string name;
    double units;
    std::size_t calls;
    std::function<void(std::size_t)> body;
    std::vector<double> ns;
  };
  const Case& Find(const std::string& name) const {
    return *std::find_if(cases_.begin(), cases_.end(), [&](const Case& one) { return one.name == name; });
  }

  int rounds_;
  std::vector<Case> cases_;
  std::map<std::string, double> results_;
};

void Measure(int rounds, const std::string& json) {
  std::vector<std::string> with_id, with_parts, readings;
  for (std::uint64_t i = 0; i < kPayloads; ++i) {
    with_id.push_back(EventPayload(i));
    with_parts.push_back(WithTwoParts(i));
    readings.push_back(Reading(i));
  }
  const std::string large = Readings(64 << 10);
  const std::string random(64 << 10, 'x');

  KeyFinder default_alone(RuleSet{}, kSecret);
  KeyFinder twenty(ParseText(ManyRules(20, kTwoPointers)), kSecret);
  KeyFinder thousand(ParseText(ManyRules(1000, kTwoPointers)), kSecret);
  KeyFinder payload(Parse(R"({"name":"p","topics":["sensor/#"],"key":["payload"],"window":"1m"})"), kSecret);
  KeyFinder digest(Parse(R"({"name":"d","topics":["sensor/#"],"key":["payload"],"ignore":["/rssi","/distance"],)"
                         R"("window":"1m"})"),
                   kSecret);
  const auto find = [](KeyFinder& finder, std::string_view topic, std::string_view text) {
    const Finding finding =
        finder.Find({.topic = topic, .payload = text, .client_id = "c", .username = {}, .user_properties = {}});
    Keep(finding);
    return finding;
  };

  Bench bench(rounds);
  EventIdBuffer buffer;
  bench.Add("before rules: id and key", 1, [&](std::size_t i) {
    EventIdSearch search(with_id[i % kPayloads], "event_id", buffer);
    const KeyHash key = HashKey(kSecret, "sensor/1", search.candidate().text);
    Keep(key);
    Keep(search.Finish());
  });
  bench.Add("no rules", 1, [&](std::size_t i) { find(default_alone, "sensor/1", with_id[i % kPayloads]); });
  bench.Add("20 rules, none for the topic", 1,
            [&](std::size_t i) { find(twenty, "sensors/1", with_id[i % kPayloads]); });
  bench.Add("20 rules, two pointers", 1, [&](std::size_t i) { find(twenty, "sensor/1", with_parts[i % kPayloads]); });
  bench.Add("20 rules, two pointers, and the key's text", 1,
            [&](std::size_t i) { Keep(twenty.KeyTextOf(find(twenty, "sensor/1", with_parts[i % kPayloads])).size()); });
  bench.Add("20 rules, the default rule behind two pointers", 1,
            [&](std::size_t i) { find(twenty, "sensor/1", with_id[i % kPayloads]); });
  bench.Add("1000 rules, two pointers", 1,
            [&](std::size_t i) { find(thousand, "sensor/1", with_parts[i % kPayloads]); });
  bench.Add("payload of 200 bytes, a byte", 200,
            [&](std::size_t i) { find(payload, "sensor/1", with_id[i % kPayloads]); });
  bench.Add(
      "payload of 64 KiB, a byte", 65536, [&](std::size_t) { find(payload, "sensor/1", random); }, 4);
  bench.Add("payload without two members, a reading, a byte", static_cast<double>(readings[0].size()),
            [&](std::size_t i) { find(digest, "sensor/1", readings[i % kPayloads]); });
  bench.Add("payload without two members, 200 bytes, a byte", 200,
            [&](std::size_t i) { find(digest, "sensor/1", with_id[i % kPayloads]); });
  bench.Add(
      "payload without two members, 64 KiB, a byte", static_cast<double>(large.size()),
      [&](std::size_t) { find(digest, "sensor/1", large); }, 4);
  bench.Add("a reading, read as JSON, a byte", static_cast<double>(readings[0].size()), [&](std::size_t i) {
    json::Reader reader(readings[i % kPayloads]);
    Keep(reader.EnterObject() && reader.SkipMembers());
  });

  const auto state_of = [](std::uint64_t site, std::uint64_t device) {
    return "site/" + std::to_string(site) + "/device-" + std::to_string(device) + "/state";
  };
  TopicRules topics(thousand.rules(), 1);
  TopicRules many_topics(thousand.rules(), 1);
  TopicRules new_topics(thousand.rules(), 1);
  std::vector<std::string> known;
  for (std::uint64_t i = 0; i < kPayloads; ++i) known.push_back(state_of(15 * i, i));
  for (std::uint64_t i = 0; i < 60'000; ++i) many_topics.Of(state_of(i % 1000, 100 + i));
  std::uint64_t next = 100;
  bench.Add("1000 rules, a known topic", 1, [&](std::size_t i) { Keep(&topics.Of(known[i % kPayloads])); });
  bench.Add("1000 rules, a known topic among 60,000", 1,
            [&](std::size_t i) { Keep(&many_topics.Of(known[i % kPayloads])); });
  bench.Add("1000 rules, a new topic", 1, [&](std::size_t) {
    const std::uint64_t i = next++;
    Keep(&new_topics.Of(state_of(i % 1000, i)));
  });
  // All filters begin alike, and each rule has the topic's first levels.
  std::string alike;
  for (int i = 0; i < 1000; ++i) {
    alike += (i == 0 ? "" : ",") + std::string(R"({"name":"a)") + std::to_string(i) + R"(","topics":["a/+/+/x)" +
             std::to_string(i) + R"("],"key":["/id"]})";
  }
  KeyFinder alike_rules(Parse(alike), kSecret);
  TopicRules alike_topics(alike_rules.rules(), 1);
  bench.Add("1000 rules alike, a new topic", 1, [&](std::size_t) {
    const std::uint64_t i = next++;
    Keep(&alike_topics.Of("a/" + std::to_string(i) + "/b/x" + std::to_string(i % 1000)));
  });

  // And here each has every topic.
  std::string everywhere;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    everywhere +=
        (i == 0 ? "" : ",") + std::string(R"({"name":"e)") + n + R"(","topics":["#"],"key":["/id)" + n + "\"]}";
  }
  KeyFinder everywhere_rules(Parse(everywhere), kSecret);
  TopicRules everywhere_topics(everywhere_rules.rules(), 1);
  bench.Add("1000 rules for all topics, a new topic", 1, [&](std::size_t) {
    const std::string topic = std::to_string(next++);
    Keep(&everywhere_topics.Of(topic));
  });

  std::printf("ns of CPU time, medians of %d rounds\n", rounds);
  bench.Run();
  std::printf("what is promised\n");
  bench.Promise("without rules, more than before", "no rules", "before rules: id and key", 10);
  bench.Promise("no rule for the topic, more", "20 rules, none for the topic", "no rules", 30);
  bench.Promise("two pointers, more", "20 rules, two pointers", "before rules: id and key", 100);
  bench.Promise("two pointers and the text, more", "20 rules, two pointers, and the key's text",
                "before rules: id and key", 100);
  bench.Promise("a byte of payload", "payload of 64 KiB, a byte", "", 1);
  bench.Promise("a byte of payload without members", "payload without two members, 64 KiB, a byte", "", 1);
  bench.Promise("a known topic of 1000 rules", "1000 rules, a known topic", "", 30);
  bench.Promise("a new topic of 1000 rules", "1000 rules, a new topic", "", 20'000);
  bench.Promise("a new topic of 1000 rules alike", "1000 rules alike, a new topic", "", 20'000);
  bench.Promise("a new topic of 1000 rules for all", "1000 rules for all topics, a new topic", "", 20'000);
  if (!json.empty()) bench.Write(json);
}

}  // namespace

int main(int count, char** arguments) try {
  int rounds = 200;
  std::string json;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) throw std::runtime_error(std::string(name) + " needs a value");
    if (name == "--rounds") {
      rounds = std::max(1, std::atoi(arguments[++i]));
    } else if (name == "--json") {
      json = arguments[++i];
    } else {
      throw std::runtime_error("unknown option " + std::string(name));
    }
  }
  Measure(rounds, json);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "rules_bench: %s\n", error.what());
  return 1;
}
