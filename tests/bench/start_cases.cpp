// How long a broker takes until it answers its first client.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "plugin/core/store/event_reader.h"
#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"
#include "tests/bench/cases.h"
#include "tests/bench/mqtt_load.h"
#include "tests/bench/stored_events.h"

namespace dedup::bench {
namespace {

void MeasureStarts(const Context& context, const std::filesystem::path& data_dir, Result& result) {
  for (int pair = 0; pair < context.pairs; ++pair) {
    Figure& figure = result["start, s"];
    figure.reference.push_back(Broker(context.programs).start_seconds());
    Broker broker(context.programs, data_dir);
    figure.values.push_back(broker.start_seconds());
    result["memory of the broker, MB"].values.push_back(broker.process().StatusKb("VmRSS") / 1000);
    broker.process().End(SIGTERM);
  }
}

// Publishes while the store is locked, so that everything stays in the journal, until that is almost full; then kills.
void FillJournalAndKill(const Context& context, const std::filesystem::path& data_dir) {
  constexpr double kFullPercent = 95;
  constexpr std::size_t kMessages = 10'000;
  Broker broker(context.programs, data_dir);
  EventReader reader(data_dir);
  sqlite::Database store(data_dir / Store::kFileName, sqlite::Database::Mode::kReadWriteCreate);
  const sqlite::Transaction lock(store);
  Script script({}, kMessages);
  Load load(broker.port(), script, true);
  const auto fill_percent = [&] {
    const Statistics statistics = reader.ReadStatistics();
    return 100 * static_cast<double>(statistics.journal_used_bytes) /
           static_cast<double>(statistics.journal_size_bytes);
  };
  while (fill_percent() < kFullPercent * std::min(context.scale, 1.0)) {
    script.RenewIds();
    load.Rewind();
    load.Saturate(script.size(), Load::Waiting::kAsleep);
  }
  broker.process().End(SIGKILL);
}

Case StartCase(const std::string& name, const std::string& title, std::size_t events, bool is_in_plan) {
  return {"start." + name, title, is_in_plan, true, [=](const Context& context, Result& result) {
            result.reference_name = "bare";
            const TempDir data_dir;
            MakeStoredEvents(data_dir.path(), context.Scaled(events));
            MeasureStarts(context, data_dir.path(), result);
          }};
}

}  // namespace

std::vector<Case> StartCases() {
  return {
      StartCase("1M", "start with 1,000,000 events", 1'000'000, true),
      StartCase("10M", "start with 10,000,000 events", 10'000'000, false),
      StartCase("100M", "start with 100,000,000 events", 100'000'000, false),
      {"start.full_journal", "start after kill -9 with 1,000,000 events and a full journal", true, true,
       [](const Context& context, Result& result) {
         result.reference_name = "orderly stop";
         for (int pair = 0; pair < context.pairs; ++pair) {
           const TempDir data_dir;
           MakeStoredEvents(data_dir.path(), context.Scaled(1'000'000));
           Figure& figure = result["start, s"];
           figure.reference.push_back(Broker(context.programs, data_dir.path()).start_seconds());
           FillJournalAndKill(context, data_dir.path());
           figure.values.push_back(Broker(context.programs, data_dir.path()).start_seconds());
         }
       }},
  };
}

}  // namespace dedup::bench
