#include <exception>
#include <optional>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/metrics_text.h"
#include "plugin/core/contract/figures.h"

namespace dedup::sidecar {
namespace {

struct PluginData {
  Statistics statistics;
  std::uint64_t event_count;
  std::uint64_t store_bytes;
  std::uint64_t disk_free_bytes;
};

// Nothing while the data directory cannot be read.
std::optional<PluginData> ReadPlugin(Api& api) {
  try {
    return api.store.Read([&](EventReader& reader) {
      return PluginData{reader.ReadStatistics(), reader.CountEvents(), reader.StoreBytes(), api.store.DiskFreeBytes()};
    });
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

// Always an answer, for a scrape that fails says less than one that tells what is wrong.
Answer ServeMetrics(Api& api, Request&) {
  const auto plugin = ReadPlugin(api);
  MetricsText text;
  text.Begin("build_info", "gauge", "Always 1; the sidecar's version.").Sample(1, "version=\"" DEDUP_VERSION "\"");
  text.Begin("publisher_connected", "gauge", "1 while the broker is connected and its plugin answers.")
      .Sample(api.publisher->Trouble().empty());
  text.Begin("store_readable", "gauge", "1 while the plugin's data can be read; without it they are not shown.")
      .Sample(plugin.has_value());
  if (plugin) {
    for (const Figure& figure : kFigures) {
      text.Begin(figure.metric, figure.kind == FigureKind::kCounter ? "counter" : "gauge", figure.help)
          .Sample(figure.value(plugin->statistics));
    }
    const SyncDurations& syncs = plugin->statistics.sync_durations;
    text.Begin("fsync_seconds", "histogram", "How long it took to bring the journal to the disk.")
        .Histogram(SyncDurations::kUpperBounds_s, syncs.counts, static_cast<double>(syncs.sum_us) / 1e6);
    text.Begin("store_events", "gauge", "Events in the store.").Sample(plugin->event_count);
    text.Begin("store_bytes", "gauge", "Bytes of the store's files.").Sample(plugin->store_bytes);
    text.Begin("disk_free_bytes", "gauge", "Room on the disk for the plugin's data.").Sample(plugin->disk_free_bytes);
  }
  text.Begin("conflicts_total", "counter", "Ids that came again with another payload, where results=full asked.")
      .Sample(api.intake.conflicts());
  text.Begin("watchers", "gauge", "Clients of /events/stream.").Sample(api.watchers.count());
  api.request_durations.AppendTo(&text);
  return {.status = 200, .body = text.Take(), .content_type = MetricsText::kContentType};
}

}  // namespace dedup::sidecar
