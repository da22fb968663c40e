#include "in_doubt.h"

#include <algorithm>
#include <utility>

namespace dedup {
namespace {
constexpr int kTurns = 2;
}  // namespace

void InDoubtEvents::Add(Store::InDoubt event, std::int64_t due_ms) {
  const std::uint64_t seq = event.seq;
  std::erase_if(leaving_, [seq](const Leaving& leaving) { return leaving.seq == seq; });
  waiting_.insert_or_assign(seq, Waiting{std::move(event), due_ms});
}

void InDoubtEvents::Claim(std::uint64_t seq) {
  waiting_.erase(seq);
  leaving_.push_back({seq, 0});
}

std::optional<Store::InDoubt> InDoubtEvents::TakeOverdue(std::int64_t now_ms) {
  const auto overdue = std::find_if(waiting_.begin(), waiting_.end(),
                                    [now_ms](const auto& entry) { return entry.second.due_ms <= now_ms; });
  if (overdue == waiting_.end()) return std::nullopt;
  Store::InDoubt event = std::move(overdue->second.event);
  leaving_.push_back({event.seq, 0});
  waiting_.erase(overdue);
  return event;
}

std::vector<std::uint64_t> InDoubtEvents::TakeHandedOn() {
  std::vector<std::uint64_t> seqs;
  for (Leaving& leaving : leaving_) {
    if (++leaving.turns > kTurns) seqs.push_back(leaving.seq);
  }
  std::erase_if(leaving_, [](const Leaving& leaving) { return leaving.turns > kTurns; });
  return seqs;
}

std::optional<std::uint64_t> InDoubtEvents::OldestAbove(std::uint64_t seq) const {
  std::optional<std::uint64_t> oldest;
  if (const auto above = waiting_.upper_bound(seq); above != waiting_.end()) oldest = above->first;
  for (const Leaving& leaving : leaving_) {
    if (leaving.seq > seq) oldest = std::min(oldest.value_or(leaving.seq), leaving.seq);
  }
  return oldest;
}

}  // namespace dedup
