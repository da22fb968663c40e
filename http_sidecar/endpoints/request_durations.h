// How long requests take, by route and by class of status.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "http_sidecar/endpoints/metrics_text.h"

namespace dedup::sidecar {

/// Threading: any thread.
class RequestDurations {
 public:
  /// `route`: a text of a fixed set, which lives as long as the process: never what a client wrote.
  void Observe(std::string_view route, int status, std::chrono::duration<double> took);

  void AppendTo(MetricsText* text) const;

  /// In seconds, of the buckets but the last; a bucket takes its bound in.
  static constexpr double kUpperBounds_s[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  using Counts = std::array<std::uint64_t, std::size(kUpperBounds_s) + 1>;

  /// How many requests of a route with a status of that class, 2 for 200 say, are in each bucket.
  Counts CountsOf(std::string_view route, int status_class) const;

 private:
  struct Durations {
    Counts counts{};
    double sum_s = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string_view, int>, Durations> durations_;  // guarded by mutex_; by route and status / 100
};

}  // namespace dedup::sidecar
