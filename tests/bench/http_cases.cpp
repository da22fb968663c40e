// The HTTP sidecar beside HTTP servers that do less, the broker and SQLite's own scan.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "plugin/core/store/store.h"
#include "tests/bench/cases.h"
#include "tests/bench/events.h"
#include "tests/bench/http_client.h"
#include "tests/bench/http_servers.h"
#include "tests/bench/mqtt_load.h"
#include "tests/bench/plain_sqlite.h"
#include "tests/bench/stored_events.h"

namespace dedup::bench {
namespace {

constexpr int kConnections = 16;
constexpr char kPublish[] = "/publish";

// Bodies of so many events each, none of them known.
std::vector<std::string> MakeBodies(IdSource& ids, std::size_t bodies, std::size_t events_each) {
  constexpr std::size_t kEventBytes = 200;
  std::vector<std::string> made(bodies);
  std::size_t number = 0;
  for (std::string& body : made) {
    if (events_each == 1) {
      body = MakeEvent(ids.Next(), ++number, kEventBytes);
      continue;
    }
    for (std::size_t i = 0; i < events_each; ++i) {
      (body += body.empty() ? "[" : ",") += MakeEvent(ids.Next(), ++number, kEventBytes);
    }
    body += "]";
  }
  return made;
}

template <class Reference>
void MeasureSinglePosts(const Context& context, Result& result) {
  const TempDir data_dir;
  const Broker broker(context.programs, data_dir.path());
  const Sidecar sidecar(context.programs, broker, data_dir.path());
  const Reference reference(context.programs);
  IdSource ids(IdKind::kUuidV4);
  for (int pair = 0; pair < context.pairs; ++pair) {
    const std::vector<std::string> bodies = MakeBodies(ids, std::max<std::size_t>(context.Scaled(20'000), 100), 1);
    const auto posts_per_s = [&](std::uint16_t port) {
      return static_cast<double>(bodies.size()) / HttpPostAll(port, kPublish, bodies, kConnections);
    };
    Figure& figure = result["POSTs a second"];
    figure.reference.push_back(posts_per_s(reference.port()));
    figure.values.push_back(posts_per_s(sidecar.port()));
  }
}

void MeasureBatches(const Context& context, Result& result) {
  constexpr std::size_t kEventsPerBatch = 1000;
  constexpr int kBatchConnections = 2;
  const std::size_t batches = std::max<std::size_t>(context.Scaled(200), 2);
  const TempDir data_dir;
  const Broker broker(context.programs, data_dir.path());
  const Sidecar sidecar(context.programs, broker, data_dir.path());
  IdSource ids(IdKind::kUuidV4);
  const auto events = static_cast<double>(batches * kEventsPerBatch);
  Script script({}, batches * kEventsPerBatch);
  for (int pair = 0; pair < context.pairs; ++pair) {
    Figure& figure = result["events a second"];
    {
      script.RenewIds();
      Load load(broker.port(), script, true);
      figure.reference.push_back(events / load.Saturate(script.size(), Load::Waiting::kAsleep));
    }
    const std::vector<std::string> bodies = MakeBodies(ids, batches, kEventsPerBatch);
    figure.values.push_back(events / HttpPostAll(sidecar.port(), kPublish, bodies, kBatchConnections));
  }
}

void MeasureEvents(const Context& context, Result& result) {
  const TempDir data_dir;
  MakeStoredEvents(data_dir.path(), context.Scaled(1'000'000));
  Broker broker(context.programs, data_dir.path());
  Sidecar sidecar(context.programs, broker, data_dir.path());
  for (int pair = 0; pair < context.pairs; ++pair) {
    const auto begin = std::chrono::steady_clock::now();
    const auto scanned_bytes = static_cast<double>(PlainScan(data_dir.path() / Store::kFileName));
    const double scan_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double memory_before = sidecar.process().StatusKb("VmRSS");
    const HttpAnswer answer = HttpGet(sidecar.port(), "/events");
    if (answer.status != 200 || static_cast<double>(answer.body_bytes) < scanned_bytes / 2) {
      throw std::runtime_error("GET /events answered " + std::to_string(answer.status));
    }
    const auto events = static_cast<double>(context.Scaled(1'000'000));
    Figure& rate = result["events a second"];
    rate.reference.push_back(events / scan_seconds);
    rate.values.push_back(events / answer.seconds);
    result["first byte, ms"].values.push_back(answer.first_byte_seconds * 1000);
    result["memory growth, MB"].values.push_back((sidecar.process().StatusKb("VmHWM") - memory_before) / 1000);
  }
}

// How long single POSTs take while nobody else asks anything, and while all events are being fetched again and again.
void MeasureExport(const Context& context, Result& result) {
  constexpr std::chrono::milliseconds kInterval{2};
  const TempDir data_dir;
  MakeStoredEvents(data_dir.path(), context.Scaled(1'000'000));
  const Broker broker(context.programs, data_dir.path());
  const Sidecar sidecar(context.programs, broker, data_dir.path());
  IdSource ids(IdKind::kUuidV4);
  const auto post = [&] {
    const std::vector<std::string> bodies = MakeBodies(ids, std::max<std::size_t>(context.Scaled(2'000), 100), 1);
    return HttpPostPaced(sidecar.port(), kPublish, bodies, kInterval);
  };
  for (int pair = 0; pair < context.pairs; ++pair) {
    const std::vector<double> idle_ms = post();
    std::atomic<bool> is_over = false;
    std::atomic<std::size_t> exports = 0;
    auto exporting = std::async(std::launch::async, [&] {
      do {
        if (HttpGet(sidecar.port(), "/events").status != 200) throw std::runtime_error("GET /events failed");
        ++exports;
      } while (!is_over);
    });
    std::vector<double> busy_ms;
    try {
      busy_ms = post();
    } catch (...) {
      is_over = true;
      throw;
    }
    is_over = true;
    exporting.get();
    for (const auto& [name, share] : {std::pair("p50, ms", 0.5), std::pair("p99, ms", 0.99)}) {
      result[name].reference.push_back(Percentile(idle_ms, share));
      result[name].values.push_back(Percentile(busy_ms, share));
    }
    result["exports meanwhile"].values.push_back(static_cast<double>(exports));
  }
}

Case HttpCase(const std::string& name, const std::string& title, const std::string& reference,
              void (*measure)(const Context&, Result&)) {
  return {"http." + name, title, true, true, [=](const Context& context, Result& result) {
            result.reference_name = reference;
            measure(context, result);
          }};
}

}  // namespace

std::vector<Case> HttpCases() {
  return {
      HttpCase("single", "POST /publish of one event, 16 connections", "constant", MeasureSinglePosts<ConstantServer>),
      // What httplib, libmosquitto and the broker with the plugin leave of that.
      HttpCase("bridge", "POST /publish of one event, 16 connections", "least bridge", MeasureSinglePosts<LeastBridge>),
      HttpCase("batch", "POST /publish of 1,000 events, 2 connections", "MQTT QoS 1", MeasureBatches),
      HttpCase("events", "GET /events of 1,000,000 events", "SQLite's scan", MeasureEvents),
      HttpCase("export", "POST /publish during GET /events of 1,000,000 events", "idle", MeasureExport),
  };
}

}  // namespace dedup::bench
