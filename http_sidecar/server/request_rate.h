// How many requests a second each client may make.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace dedup::sidecar {

/// Each client has a second's worth of requests in hand, and gets them back at the rate. Remembers 10,000 clients that
/// have asked within the last second; what is beyond them shares one rate. Threading: any thread.
class RequestRate {
 public:
  using Clock = std::chrono::steady_clock;

  /// `per_s`: 0 for no limit.
  explicit RequestRate(std::uint32_t per_s)
      : interval_(per_s == 0 ? Clock::duration::zero() : Clock::duration(std::chrono::seconds(1)) / per_s) {}

  /// Counts a request. Nothing where it may be served; otherwise how long the client is to wait.
  std::optional<Clock::duration> Excess(const std::string& client, Clock::time_point now);

 private:
  const Clock::duration interval_;
  std::mutex mutex_;
  std::unordered_map<std::string, Clock::time_point> paid_until_;  // guarded by mutex_
};

}  // namespace dedup::sidecar
