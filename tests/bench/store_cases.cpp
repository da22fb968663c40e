// How fast the writer brings events into SQLite, beside a plain program that inserts the same rows.
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>

#include "plugin/core/deduplicator.h"
#include "plugin/core/store/event_reader.h"
#include "tests/bench/cases.h"
#include "tests/bench/events.h"
#include "tests/bench/plain_sqlite.h"

namespace dedup::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kTopic[] = "sensor/1";
constexpr std::size_t kPayloadBytes = 200;

// Makes events one after the other in the same place, for making them is not what is measured.
class EventSource {
 public:
  void Next() {
    id_ = ids_.Next();
    payload_.replace(id_at_, id_.size(), id_);
  }
  const std::string& id() const { return id_; }
  const std::string& payload() const { return payload_; }

 private:
  IdSource ids_{IdKind::kUuidV4};
  std::string id_ = IdSource(IdKind::kUuidV4).Next();
  std::string payload_ = MakeEvent(id_, 0, kPayloadBytes);
  std::size_t id_at_ = payload_.find(id_);
};

double CpuSeconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Filling {
  double rows_per_s = 0;
  double rows_per_s_at_the_end = 0;  // of the last tenth
  double cpu_us = 0;                 // a row, of the threads that store
  double written_bytes = 0;          // a row
};

// `insert(n)` returns when n more rows are stored; `cpu_seconds` tells what storing has cost so far; `close` leaves all
// rows in the main file.
template <class Insert, class CpuSecondsOf, class Close>
Filling Fill(std::size_t rows, Insert insert, CpuSecondsOf cpu_seconds, Close close) {
  const double written_before = WrittenBytes("self");
  const double cpu_before = cpu_seconds();
  double seconds = 0;
  double last_seconds = 0;
  constexpr int kParts = 10;
  for (int part = 0; part < kParts; ++part) {
    const auto begin = SteadyClock::now();
    insert(rows / kParts);
    last_seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
    seconds += last_seconds;
  }
  const double cpu = cpu_seconds() - cpu_before;
  close();
  const auto count = static_cast<double>(rows / kParts * kParts);
  return {count / seconds, count / kParts / last_seconds, 1e6 * cpu / count,
          (WrittenBytes("self") - written_before) / count};
}

Filling FillPlainly(std::size_t rows) {
  const TempDir data_dir;
  { const Store schema(data_dir.path() / Store::kFileName); }
  PlainInsert plain(data_dir.path() / Store::kFileName, kTopic);
  EventSource source;
  return Fill(
      rows,
      [&](std::size_t count) {
        plain.Begin();
        for (std::size_t i = 0; i < count; ++i) {
          source.Next();
          plain.Insert(source.id(), source.payload());
        }
        plain.Commit();
      },
      [] { return CpuSeconds(CLOCK_THREAD_CPUTIME_ID); }, [&] { plain.Checkpoint(); });
}

Filling FillByWriter(std::size_t rows) {
  const TempDir data_dir;
  Options options;
  options.data_dir = data_dir.path();
  Deduplicator deduplicator(options);
  EventReader reader(data_dir.path());
  EventSource source;
  std::uint64_t seq = 0;
  return Fill(
      rows,
      [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
          source.Next();
          const Publish publish{.topic = kTopic, .payload = source.payload()};
          Outcome outcome;
          while ((outcome = deduplicator.OnPublish(publish)).verdict == Verdict::kRefused) {  // the journal is full
            deduplicator.OnTurn();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
          seq = outcome.seq;
          deduplicator.OnTurn();
        }
        while (reader.StoredSeq() < seq) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        deduplicator.OnTurn();
      },
      // The other threads: of these, those that make and publish events are not to count.
      [] { return CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - CpuSeconds(CLOCK_THREAD_CPUTIME_ID); },
      [&] { deduplicator.Stop(); });
}

Case StoreCase(const std::string& name, const std::string& title, std::size_t rows, int pairs_max, bool is_in_plan) {
  return {"store." + name, title, is_in_plan, false, [=](const Context& context, Result& result) {
            result.reference_name = "plain SQLite";
            const std::size_t scaled_rows = std::max<std::size_t>(context.Scaled(rows), 1000);
            for (int pair = 0; pair < std::min(context.pairs, pairs_max); ++pair) {
              const Filling plain = FillPlainly(scaled_rows);
              const Filling writer = FillByWriter(scaled_rows);
              const auto add = [&](const char* figure_name, double Filling::*field) {
                Figure& figure = result[figure_name];
                figure.reference.push_back(plain.*field);
                figure.values.push_back(writer.*field);
              };
              add("rows a second", &Filling::rows_per_s);
              add("rows a second, last tenth", &Filling::rows_per_s_at_the_end);
              add("CPU us a row", &Filling::cpu_us);
              add("bytes written a row", &Filling::written_bytes);
            }
          }};
}

}  // namespace

std::vector<Case> StoreCases() {
  return {
      StoreCase("1M", "1,000,000 rows with random UUIDs", 1'000'000, 5, true),
      StoreCase("20M", "20,000,000 rows with random UUIDs", 20'000'000, 1, false),
  };
}

}  // namespace dedup::bench
