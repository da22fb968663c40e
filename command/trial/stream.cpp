#include "command/trial/stream.h"

#include <algorithm>
#include <cmath>

namespace dedup::command {
namespace {

constexpr double kIntervalFloorS = 0.001;

}  // namespace

double ShareOf(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

double QuantileOf(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

double Stream::SameShare() const { return ShareOf(same_count, intervals_s.size()); }

double Stream::ExpectedWithin(double window_s) const {
  if (intervals_s.empty()) return 0;
  const auto seen =
      static_cast<double>(std::upper_bound(intervals_s.begin(), intervals_s.end(), window_s) - intervals_s.begin());
  const std::size_t k = std::min<std::size_t>(intervals_s.size(), 10) - 1;
  const double x = std::max(intervals_s[k], kIntervalFloorS);
  if (x <= window_s) return seen;
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) sum += std::log(x / std::max(intervals_s[i], kIntervalFloorS));
  const double slope = k < 4 ? 1 : std::clamp(static_cast<double>(k) / std::max(sum, 1e-9), 1.0, 12.0);
  return seen + static_cast<double>(k + 1) * std::pow(window_s / x, slope);
}

}  // namespace dedup::command
