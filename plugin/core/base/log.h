// Lines for the broker's log, and how often one may be said.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace dedup {

enum class LogLevel : std::uint8_t { kError, kWarning, kNotice };

struct LogLine {
  LogLevel level;
  std::string text;
};

/// Lines on their way to the broker's log, which only its main thread may write. Threading: any thread.
class LogQueue {
 public:
  void Add(LogLevel level, std::string text) {
    const std::lock_guard lock(mutex_);
    lines_.push_back({level, std::move(text)});
    empty_.store(false, std::memory_order_release);
  }
  /// The same for a line that is yet to be made. Never throws: without memory for it the line is lost, not the thread.
  template <class MakeText>
  void AddMade(LogLevel level, MakeText make_text) noexcept {
    try {
      Add(level, make_text());
    } catch (...) {
    }
  }
  /// One atomic load, so it may be asked at every turn of the broker's loop.
  bool empty() const { return empty_.load(std::memory_order_acquire); }
  std::vector<LogLine> Take() {
    const std::lock_guard lock(mutex_);
    empty_.store(true, std::memory_order_release);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<LogLine> lines_;
  std::atomic<bool> empty_{true};
};

/// For what may happen at every message and should be said once a minute. Threading: one thread.
class OncePerMinute {
 public:
  bool Allow(std::int64_t now_ms) {
    if (now_ms < next_ms_) return false;
    next_ms_ = now_ms + 60'000;
    return true;
  }

 private:
  std::int64_t next_ms_ = 0;
};

}  // namespace dedup
