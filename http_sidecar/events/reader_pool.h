// EventReaders for many threads: each serves one thread at a time, and opening one costs a database connection.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "plugin/core/store/event_reader.h"

namespace dedup::sidecar {

/// Threading: Use() from any thread.
class ReaderPool {
 public:
  explicit ReaderPool(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}

  /// Returns function(reader). After an exception, which goes on to the caller, the reader is not used again.
  template <class Function>
  auto Use(Function function) {
    std::unique_ptr<EventReader> reader = Take();
    auto result = function(*reader);
    Return(std::move(reader));
    return result;
  }

 private:
  static constexpr std::size_t kIdleReadersMax = 16;

  std::unique_ptr<EventReader> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto reader = std::move(idle_.back());
        idle_.pop_back();
        return reader;
      }
    }
    return std::make_unique<EventReader>(data_dir_);
  }

  void Return(std::unique_ptr<EventReader> reader) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(reader));
  }

  const std::filesystem::path data_dir_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<EventReader>> idle_;  // guarded by mutex_
};

}  // namespace dedup::sidecar
