// How events follow each other, and small sums over many of them.
#pragma once

#include <cstddef>
#include <vector>

namespace dedup::command {

/// Neighbours in the streams of events that have something in common, a topic or a device.
struct Stream {
  std::vector<double> intervals_s;  ///< from an event to the next one of its stream, sorted
  std::size_t same_count = 0;       ///< of these with the same key
  double variation = 0;             ///< of intervals within streams: standard deviation over mean

  double SameShare() const;
  /// How many events follow another one sooner than window_s, in a capture like this one. What was not seen is judged
  /// by how steeply the shortest intervals thin out.
  double ExpectedWithin(double window_s) const;
};

/// 0 of nothing.
double ShareOf(std::size_t part, std::size_t all);

/// The value below which a share q of them lies; 0 of nothing.
double QuantileOf(const std::vector<double>& sorted, double q);

}  // namespace dedup::command
