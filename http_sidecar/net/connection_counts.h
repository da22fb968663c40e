// How many connections each address has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace dedup::sidecar {

/// Threading: any thread.
class ConnectionCounts {
 public:
  /// `max`: of an address; 0 for no limit.
  explicit ConnectionCounts(std::uint32_t max) : max_(max) {}

  /// A place, which is free again when the last copy of what is returned is gone; null where the address has no more.
  /// Must not outlive this.
  std::shared_ptr<const void> Enter(const std::string& address);

 private:
  void Leave(const std::string& address);

  const std::uint32_t max_;
  std::mutex mutex_;
  std::map<std::string, std::uint32_t> counts_;  // guarded by mutex_
};

}  // namespace dedup::sidecar
