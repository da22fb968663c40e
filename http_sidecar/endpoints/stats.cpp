#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "plugin/core/contract/figures.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {

Answer ServeStats(Api& api, Request& request) {
  const auto statistics = api.store.AwaitStored();
  if (!statistics) return ProblemAnswer(StoreIsBehind());
  std::vector<std::string> topics = api.store.Read([](EventReader& reader) { return reader.Topics(); });
  std::erase_if(topics, [&](const std::string& topic) { return !request.caller.MayRead(topic); });
  std::ranges::transform(topics, topics.begin(), Quoted);
  const auto uptime = std::chrono::steady_clock::now() - api.start;
  char uptime_seconds[32];
  std::snprintf(uptime_seconds, sizeof uptime_seconds, "%.3f", std::chrono::duration<double>(uptime).count());
  ObjectText text;
  // The counters are of all topics together.
  const bool has_counters = request.caller.may_read_everything();
  if (has_counters) {
    text.Add("received", statistics->received())
        .Add("unique_processed", statistics->processed)
        .Add("duplicate_dropped", statistics->duplicates);
  }
  text.AddRaw("topics", ArrayText({topics.begin(), topics.end()}))
      .AddText("uptime", FormatUptime(std::chrono::duration_cast<std::chrono::seconds>(uptime)))
      .AddRaw("uptime_seconds", uptime_seconds);
  if (has_counters) {
    for (const Figure& figure : kFigures) {
      if (!figure.stats.empty()) text.Add(figure.stats, figure.value(*statistics));
    }
    text.Add("conflicts", api.intake.conflicts());
  }
  return {.status = 200, .body = text.Take()};
}

}  // namespace dedup::sidecar
