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

 private:
  static constexpr double kUpperBounds_s[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                              0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  struct Durations {
    std::array<std::uint64_t, std::size(kUpperBounds_s) + 1> counts{};
    double sum_s = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string_view, int>, Durations> durations_;  // guarded by mutex_; by route and status / 100
};

}  // namespace dedup::sidecar
