#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http_sidecar/base/number.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/metrics_text.h"
#include "plugin/core/contract/figures.h"
#include "plugin/core/contract/rule_counters.h"
#include "plugin/core/text/json.h"

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

struct RuleValues {
  std::string name;
  std::array<std::uint64_t, std::size(kRuleFigures)> values{};  // in their order
};

RuleValues ParseRule(std::string_view object) {
  RuleValues rule;
  json::Reader reader(object);
  if (!reader.EnterObject()) return rule;
  std::string_view name;
  for (json::Value value; reader.NextMember(&name, &value);) {
    if (json::Means(name, "name")) rule.name = json::Unescape(value.text);
    for (std::size_t i = 0; i < rule.values.size(); ++i) {
      if (json::Means(name, kRuleFigures[i].name)) rule.values[i] = ParseNumber<std::uint64_t>(value.text).value_or(0);
    }
  }
  return rule;
}

// Nothing while the plugin does not answer, or is an older one.
std::vector<RuleValues> ReadRules(Api& api) {
  if (!api.publisher->Trouble().empty()) return {};
  const auto asked = api.publisher->Ask({"rules", {}}, std::chrono::seconds(1));
  const auto* const answer = std::get_if<CommandAnswer>(&asked);
  std::vector<RuleValues> rules;
  if (answer == nullptr || !answer->error.empty()) return rules;
  json::Reader reader(answer->text);
  if (!reader.EnterObject()) return rules;
  std::string_view name;
  for (json::Value value; reader.NextMember(&name, &value);) {
    json::Reader elements(value.text);
    if (!json::Means(name, "rules") || !elements.EnterArray()) continue;
    for (json::Value element; elements.NextElement(&element);) rules.push_back(ParseRule(element.text));
  }
  return rules;
}

// There are as many labels as rules, and the plugin takes no more than 1,000 of those.
void AppendRules(const std::vector<RuleValues>& rules, MetricsText* text) {
  if (rules.empty()) return;
  for (std::size_t i = 0; i < std::size(kRuleFigures); ++i) {
    text->Begin(kRuleFigures[i].metric, "counter", kRuleFigures[i].help);
    for (const RuleValues& rule : rules) text->Sample(rule.values[i], "rule=\"" + rule.name + "\"");
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
  AppendRules(ReadRules(api), &text);
  api.request_durations.AppendTo(&text);
  return {.status = 200, .body = text.Take(), .content_type = MetricsText::kContentType};
}

}  // namespace dedup::sidecar
