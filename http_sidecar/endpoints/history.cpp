#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/query.h"
#include "plugin/core/contract/sync_durations.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

struct Range {
  std::string_view name;
  std::chrono::seconds step;
};

constexpr std::size_t kSteps = 300;
constexpr Range kRanges[] = {
    {"5m", std::chrono::seconds(1)}, {"15m", std::chrono::seconds(3)}, {"1h", std::chrono::seconds(12)}};
static_assert(std::rbegin(kRanges)->step * kSteps == History::kReach);

std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", std::round(number * 1000) / 1000);
  return text;
}

// The rates of one kind of events; null where nothing is known.
std::string RatesText(const std::vector<HistoryStep>& steps, double HistoryStep::*count) {
  std::vector<std::string> rates;
  for (const HistoryStep& step : steps) {
    rates.push_back(step.known_s > 0 ? NumberText(step.*count / step.known_s) : "null");
  }
  return ArrayText({rates.begin(), rates.end()});
}

// Of all that is known.
std::string KnownText(const std::vector<HistoryStep>& steps) {
  HistoryStep sum;
  for (const HistoryStep& step : steps) {
    for (double HistoryStep::*const member :
         {&HistoryStep::known_s, &HistoryStep::events, &HistoryStep::duplicates, &HistoryStep::refused}) {
      sum.*member += step.*member;
    }
  }
  const auto whole = [](double count) { return static_cast<std::uint64_t>(std::llround(count)); };
  return ObjectText()
      .AddRaw("seconds", NumberText(sum.known_s))
      .Add("events", whole(sum.events))
      .Add("duplicates", whole(sum.duplicates))
      .Add("refused", whole(sum.refused))
      .Take();
}

// The bound that so much of the durations do not exceed, which are `sum` in all; null beyond the last one, and where
// there are none.
std::string BoundText(const Reading::Buckets& counts, std::uint64_t sum, std::span<const double> upper_bounds_s,
                      double part) {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(sum)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < upper_bounds_s.size() && sum > 0; ++i) {
    seen += counts[i];
    if (seen >= wanted) return NumberText(upper_bounds_s[i] * 1000);
  }
  return "null";
}

std::string DurationsText(const Reading::Buckets& counts, std::span<const double> upper_bounds_s) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return ObjectText()
      .Add("count", sum)
      .AddRaw("p50_ms", BoundText(counts, sum, upper_bounds_s, 0.5))
      .AddRaw("p99_ms", BoundText(counts, sum, upper_bounds_s, 0.99))
      .Take();
}

}  // namespace

Answer ServeHistory(Api& api, Request& request) {
  const Range* range = std::begin(kRanges);
  if (RawQueryValue(request.target, "range")) {
    range = std::ranges::find(kRanges, QueryValue(request.target, "range"), &Range::name);
    if (range == std::end(kRanges)) {
      return ProblemAnswer({problems::kInvalidParameter, "range takes 5m, 15m or 1h"});
    }
  }
  const std::string until = FormatTime(NowUs());
  const HistoryRange history = api.history.Read(std::chrono::steady_clock::now(), range->step, kSteps);
  return {.status = 200,
          .body = ObjectText()
                      .AddText("until", until)
                      .Add("step_s", static_cast<std::uint64_t>(range->step.count()))
                      .AddRaw("known", KnownText(history.steps))
                      .AddRaw("events_per_s", RatesText(history.steps, &HistoryStep::events))
                      .AddRaw("duplicates_per_s", RatesText(history.steps, &HistoryStep::duplicates))
                      .AddRaw("refused_per_s", RatesText(history.steps, &HistoryStep::refused))
                      .AddRaw("publish", DurationsText(history.publishes, RequestDurations::kUpperBounds_s))
                      .AddRaw("fsync", DurationsText(history.syncs, SyncDurations::kUpperBounds_s))
                      .Take()};
}

}  // namespace dedup::sidecar
