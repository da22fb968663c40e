#include "http_sidecar/server/request_rate.h"

#include <algorithm>

namespace dedup::sidecar {
namespace {

constexpr std::size_t kClientsMax = 10'000;
constexpr char kAllOthers[] = "";

}  // namespace

std::optional<RequestRate::Clock::duration> RequestRate::Excess(const std::string& client, Clock::time_point now) {
  if (interval_ == Clock::duration::zero()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (paid_until_.size() > kClientsMax)
    std::erase_if(paid_until_, [now](const auto& entry) { return entry.second <= now; });
  const bool is_full = paid_until_.size() > kClientsMax && !paid_until_.contains(client);
  Clock::time_point& paid_until = paid_until_[is_full ? kAllOthers : client];
  const Clock::time_point next = std::max(paid_until, now) + interval_;
  const Clock::duration ahead = next - now;
  if (ahead > std::chrono::seconds(1)) return ahead - std::chrono::seconds(1);
  paid_until = next;
  return std::nullopt;
}

}  // namespace dedup::sidecar
