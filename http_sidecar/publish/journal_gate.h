// Keeps big bodies from flooding the plugin's journal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "plugin/core/store/event_reader.h"

namespace dedup::sidecar {

/// A journal that is full makes the broker cut the sidecar's one connection, and with it everybody's requests. So a big
/// body waits here until the journal has room for it and for the others that were let in before.
///
/// Threading: any thread.
class JournalGate {
 public:
  /// One body that was let in; it counts until this object's end.
  class Pass {
   public:
    Pass(JournalGate* gate, std::size_t bytes) : gate_(gate), bytes_(bytes) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass();

   private:
    JournalGate* const gate_;
    const std::size_t bytes_;
  };

  /// `read_statistics` may throw; what it throws goes on to the caller of Enter().
  explicit JournalGate(std::function<Statistics()> read_statistics) : read_statistics_(std::move(read_statistics)) {}

  /// False when there was no room for so long.
  bool Enter(std::size_t bytes, std::chrono::milliseconds patience, std::optional<Pass>* pass);

 private:
  bool TryEnter(std::size_t bytes);

  const std::function<Statistics()> read_statistics_;
  std::mutex mutex_;
  std::uint64_t bytes_inside_ = 0;  // guarded by mutex_
};

}  // namespace dedup::sidecar
