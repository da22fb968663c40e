#include "http_sidecar/net/connection_counts.h"

namespace dedup::sidecar {

std::shared_ptr<const void> ConnectionCounts::Enter(const std::string& address) {
  if (max_ != 0) {
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = counts_[address];
    if (count >= max_) return nullptr;
    ++count;
  }
  return {this, [this, address](const void*) { Leave(address); }};
}

void ConnectionCounts::Leave(const std::string& address) {
  if (max_ == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(address);
  if (--found->second == 0) counts_.erase(found);
}

}  // namespace dedup::sidecar
