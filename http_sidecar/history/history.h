// What was counted in the last hour, second by second.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace dedup::sidecar {

/// The counters at one moment; they grow.
struct Reading {
  static constexpr std::size_t kBuckets = 20;
  using Buckets = std::array<std::uint64_t, kBuckets>;  ///< how many durations in each; the last ones may be unused

  std::uint64_t events = 0;  ///< duplicates included
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  Buckets publishes = {};  ///< requests that published
  Buckets syncs = {};      ///< of the journal
};

/// A part of a range of time.
struct HistoryStep {
  double known_s = 0;  ///< how much of it is known
  double events = 0;   ///< within what is known, and so the others
  double duplicates = 0;
  double refused = 0;
};

/// A range of time that ends with the last moment that anything is known about.
struct HistoryRange {
  std::vector<HistoryStep> steps;  ///< equally long, the oldest first
  Reading::Buckets publishes = {};
  Reading::Buckets syncs = {};
};

/// Keeps what was counted between two readings, for kReach.
///
/// A moment without a reading leaves a gap, in which nothing is known; so does one at which a counter has fallen, which
/// is another data directory. Memory: 800 KB at a reading a second; at most kPartsMax parts. Threading: any thread.
class History {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kReach{3600};
  static constexpr std::size_t kPartsMax = 4096;

  /// To be called as time goes on; nothing where the counters could not be read, or say nothing.
  void Add(Time now, const std::optional<Reading>& reading);

  /// The range before `now`, of that many steps.
  HistoryRange Read(Time now, std::chrono::seconds step, std::size_t steps) const;

 private:
  using SmallBuckets = std::array<std::uint32_t, Reading::kBuckets>;

  // From one reading to the next.
  struct Part {
    Time begin, end;
    std::uint32_t events, duplicates, refused;
    SmallBuckets publishes, syncs;
  };

  mutable std::mutex mutex_;
  std::optional<Reading> last_;  // guarded by mutex_, as all of these
  Time last_time_{};
  std::deque<Part> parts_;
};

}  // namespace dedup::sidecar
