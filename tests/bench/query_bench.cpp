// How long a page of 100 events takes by each filter, in a store of --rows events that it makes (or, with --keep DIR,
// finds there from the last time). Prints p50 and p99 over --pages pages, each of another place or value.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/store/event_search.h"
#include "plugin/core/store/store.h"

namespace dedup {
namespace {

constexpr int kTopics = 10'000;  // plant/<100>/<100>/temp or humidity, and a rare one in 100,000
constexpr int kSources = 1'000;
constexpr std::int64_t kFirstUs = 1'769'860'800'000'000;
constexpr std::int64_t kUsPerEvent = 100'000;

std::mt19937_64 random_number(1);
std::uint64_t UpTo(std::uint64_t n) { return random_number() % n; }

std::string TopicOf(std::uint64_t number) {
  return "plant/" + std::to_string(number / 100) + "/" + std::to_string(number % 100) +
         (number % 2 == 0 ? "/temp" : "/humidity");
}

void Fill(const std::filesystem::path& path, std::uint64_t rows) {
  Store store(path);
  for (std::uint64_t seq = 1; seq <= rows;) {
    Store::Batch batch(store, Store::Durability::kVisible);
    for (int i = 0; i < 10'000 && seq <= rows; ++i, ++seq) {
      char id[40];
      std::snprintf(id, sizeof id, "%016lx%016lx", random_number(), random_number());
      const std::string topic = seq % 100'000 == 0 ? "plant/7/rare/" + std::to_string(seq) : TopicOf(UpTo(kTopics));
      const std::string payload = R"({"event_id":")" + std::string(id) + R"(","source":"gateway-)" +
                                  std::to_string(UpTo(kSources)) + R"(","payload":")" + std::string(100, 'x') + "\"}";
      // The clock is set back now and then.
      const std::int64_t jump_us = seq / 1'000'000 % 2 == 0 ? 0 : -3'600'000'000;
      // A rule has made one in ten, another one in 100,000.
      const char* const rule = seq % 100'000 == 0 ? "rare" : seq % 10 == 0 ? "mesh" : "";
      batch.Insert(
          {.seq = seq,
           .accepted = {.wall_us = kFirstUs + static_cast<std::int64_t>(seq) * kUsPerEvent + jump_us, .age_ms = 0},
           .topic = topic,
           .event_id = id,
           .rule = {.name = rule, .key = {seq, 0}},
           .properties = {},
           .payload = payload});
    }
    batch.Commit();
    store.BoundWal();
  }
  store.Checkpoint();
}

struct Case {
  const char* name;
  std::function<void(EventFilter*)> set;
};

void Measure(EventSearch* search, std::uint64_t rows, int pages, const Case& filter_case, bool newest_first) {
  std::vector<double> times_ms;
  std::uint64_t events = 0;
  for (int page = 0; page < pages; ++page) {
    EventFilter filter;
    filter_case.set(&filter);
    EventRange range{.newest_first = newest_first};
    (newest_first ? range.last_seq : range.first_seq) = 1 + UpTo(rows);
    const auto begin = std::chrono::steady_clock::now();
    int count = 0;
    for (std::optional<EventRange> rest = range; rest && count < 100;) {
      rest = search->Run(filter, *rest, [&](const StoredEvent&) { return count < 100 && ++count > 0; });
    }
    times_ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    events += static_cast<std::uint64_t>(count);
  }
  std::ranges::sort(times_ms);
  const auto at = [&](double share) { return times_ms[static_cast<std::size_t>(share * (pages - 1))]; };
  std::printf("%-38s %-6s %8.2f %8.2f %8.2f %8.1f\n", filter_case.name, newest_first ? "newest" : "oldest", at(0.5),
              at(0.99), at(1), static_cast<double>(events) / pages);
}

int Main(const std::vector<std::string_view>& arguments) {
  std::uint64_t rows = 100'000;
  int pages = 200;
  std::filesystem::path directory;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string value(arguments[i + 1]);
    if (arguments[i] == "--rows") rows = std::stoull(value);
    if (arguments[i] == "--pages") pages = std::stoi(value);
    if (arguments[i] == "--keep") directory = value;
  }
  const bool keep = !directory.empty();
  if (!keep) {
    std::string name = std::filesystem::temp_directory_path() / "query-bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) return EXIT_FAILURE;
    directory = name;
  }
  const std::filesystem::path path = directory / Store::kFileName;
  if (!std::filesystem::exists(path)) Fill(path, rows);
  {
    sqlite::Database database(path, sqlite::Database::Mode::kReadOnly);
    EventSearch search(database);
    const auto time = [rows] { return kFirstUs + static_cast<std::int64_t>(UpTo(rows)) * kUsPerEvent; };
    const Case cases[] = {
        {"none", [](EventFilter*) {}},
        {"topic=plant/1/2/temp", [](EventFilter* filter) { filter->topic = TopicOf(UpTo(kTopics)); }},
        {"topic=#", [](EventFilter* filter) { filter->topic = "#"; }},
        {"topic=plant/7/#", [](EventFilter* filter) { filter->topic = "plant/" + std::to_string(UpTo(100)) + "/#"; }},
        {"topic=plant/+/+/temp", [](EventFilter* filter) { filter->topic = "plant/+/+/temp"; }},
        {"topic=plant/+/7/+",
         [](EventFilter* filter) { filter->topic = "plant/+/" + std::to_string(UpTo(100)) + "/+"; }},
        {"topic=plant/7/rare/+ (1 in 100,000)", [](EventFilter* filter) { filter->topic = "plant/7/rare/+"; }},
        {"topic=+/+/rare/+ (1 in 100,000)", [](EventFilter* filter) { filter->topic = "+/+/rare/+"; }},
        {"topic=+/nothing/# (none)", [](EventFilter* filter) { filter->topic = "+/nothing/#"; }},
        {"source (1,000 of them)",
         [](EventFilter* filter) { filter->source = "gateway-" + std::to_string(UpTo(kSources)); }},
        {"event_id (unknown)", [](EventFilter* filter) { filter->event_id = std::to_string(UpTo(1'000'000)); }},
        {"rule (1 in 10)", [](EventFilter* filter) { filter->rule = "mesh"; }},
        {"rule (1 in 100,000)", [](EventFilter* filter) { filter->rule = "rare"; }},
        {"rule=default (9 in 10)", [](EventFilter* filter) { filter->rule = ""; }},
        {"rule (1 in 10) and topic",
         [](EventFilter* filter) {
           filter->topic = TopicOf(UpTo(kTopics));
           filter->rule = "mesh";
         }},
        {"event_id (unknown) within plant/7/#",
         [](EventFilter* filter) {
           filter->within = {"plant/7/#"};
           filter->event_id = std::to_string(UpTo(1'000'000));
         }},
        {"event_id (unknown) within plant/#",
         [](EventFilter* filter) {
           filter->within = {"plant/#"};
           filter->event_id = std::to_string(UpTo(1'000'000));
         }},
        {"source within plant/7/#",
         [](EventFilter* filter) {
           filter->within = {"plant/7/#"};
           filter->source = "gateway-" + std::to_string(UpTo(kSources));
         }},
        {"rule (1 in 10) within plant/7/#",
         [](EventFilter* filter) {
           filter->within = {"plant/7/#"};
           filter->rule = "mesh";
         }},
        {"since", [&](EventFilter* filter) { filter->since_us = time(); }},
        {"until", [&](EventFilter* filter) { filter->until_us = time(); }},
        {"since, until: 1 s",
         [&](EventFilter* filter) {
           filter->since_us = time();
           filter->until_us = filter->since_us + 1'000'000;
         }},
        {"source and topic",
         [](EventFilter* filter) {
           filter->topic = TopicOf(UpTo(kTopics));
           filter->source = "gateway-" + std::to_string(UpTo(kSources));
         }},
    };
    std::printf("%-38s %-6s %8s %8s %8s %8s\n", "filter", "order", "p50 ms", "p99 ms", "max ms", "events");
    for (const Case& filter_case : cases) {
      for (const bool newest_first : {false, true}) Measure(&search, rows, pages, filter_case, newest_first);
    }
  }
  if (!keep) std::filesystem::remove_all(directory);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace dedup

int main(int argc, char** argv) { return dedup::Main({argv + 1, argv + argc}); }
