// The plugin's data directory as the sidecar reads it, from many threads: what was acknowledged is readable.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http_sidecar/base/problem.h"
#include "plugin/core/base/errors.h"
#include "plugin/core/store/event_reader.h"

namespace dedup::sidecar {

/// Threading: any thread. Errors: StorageError.
class EventStore {
 public:
  /// How long what was acknowledged is waited for: the plugin's writer stores it right behind the acknowledgement.
  static constexpr std::chrono::seconds kPatience{3};

  explicit EventStore(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}

  /// Returns function(reader), with an EventReader of its own: each serves one thread at a time, and opening one costs
  /// a database connection. After an exception, which goes on to the caller, the reader is not used again.
  template <class Function>
  auto Read(Function function) {
    std::unique_ptr<EventReader> reader = Take();
    auto result = function(*reader);
    Return(std::move(reader));
    return result;
  }

  /// The same for what may take a while, such as a piece of a list. Only as many of these run at a time as the
  /// processors serve: more would only keep each other and everything else waiting.
  template <class Function>
  auto ReadList(Function function) {
    lists_.acquire();
    const struct Farewell {
      std::counting_semaphore<>* lists;
      ~Farewell() { lists->release(); }
    } farewell{&lists_};
    return Read(std::move(function));
  }

  Statistics ReadStatistics();

  /// What was acknowledged before this call is in the store when it returns: the counters then, or nothing when that
  /// took longer than kPatience.
  std::optional<Statistics> AwaitStored();

  /// Whether the events up to `seq`, which were accepted, are in the store when it returns; false when that took longer
  /// than kPatience.
  bool AwaitStored(std::uint64_t seq);

  /// Room on the disk for the plugin's data. Errors: std::filesystem::filesystem_error.
  std::uint64_t DiskFreeBytes() const;

 private:
  static constexpr std::size_t kIdleReadersMax = 16;

  std::unique_ptr<EventReader> Take();
  void Return(std::unique_ptr<EventReader> reader);

  const std::filesystem::path data_dir_;
  std::counting_semaphore<> lists_{
      std::max(2 * static_cast<std::ptrdiff_t>(std::thread::hardware_concurrency()), std::ptrdiff_t{4})};
  std::mutex mutex_;
  std::vector<std::unique_ptr<EventReader>> idle_;  // guarded by mutex_
};

/// What a request is told when the store cannot be read, or is behind. 503 both.
Problem StoreTrouble(const StorageError& error);
Problem StoreIsBehind();

}  // namespace dedup::sidecar
