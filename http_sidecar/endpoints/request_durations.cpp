#include "http_sidecar/endpoints/request_durations.h"

#include <algorithm>
#include <string>

namespace dedup::sidecar {

void RequestDurations::Observe(std::string_view route, int status, std::chrono::duration<double> took) {
  const auto bucket =
      static_cast<std::size_t>(std::ranges::lower_bound(kUpperBounds_s, took.count()) - std::begin(kUpperBounds_s));
  const std::lock_guard lock(mutex_);
  Durations& durations = durations_[{route, status / 100}];
  ++durations.counts[bucket];
  durations.sum_s += took.count();
}

RequestDurations::Counts RequestDurations::CountsOf(std::string_view route, int status_class) const {
  const std::lock_guard lock(mutex_);
  const auto found = durations_.find({route, status_class});
  return found == durations_.end() ? Counts{} : found->second.counts;
}

void RequestDurations::AppendTo(MetricsText* text) const {
  text->Begin(
      "http_request_duration_seconds", "histogram",
      "HTTP requests, from the first byte of the head to the last byte of the answer; of a stream, of its head.");
  const std::lock_guard lock(mutex_);
  for (const auto& [key, durations] : durations_) {
    const auto& [route, status_class] = key;
    text->Histogram(kUpperBounds_s, durations.counts, durations.sum_s,
                    "route=\"" + std::string(route) + "\",status=\"" + std::to_string(status_class) + "xx\"");
  }
}

}  // namespace dedup::sidecar
