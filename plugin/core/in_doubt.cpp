#include "plugin/core/in_doubt.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dedup {
namespace {
constexpr int kTurns = 2;
}  // namespace

void InDoubtEvents::Add(EventInDoubt event, std::int64_t due_ms) {
  const std::uint64_t seq = event.seq;
  std::erase_if(leaving_, [seq](const Leaving& leaving) { return leaving.seq == seq; });
  next_due_ms_ = waiting_.empty() ? due_ms : std::min(next_due_ms_, due_ms);
  waiting_.insert_or_assign(seq, Waiting{std::move(event), due_ms});
}

void InDoubtEvents::Claim(std::uint64_t seq, bool routed) {
  leaving_.push_back({seq, 0, routed});
  waiting_.erase(seq);
}

void InDoubtEvents::Drop(std::uint64_t seq) noexcept {
  std::erase_if(leaving_, [seq](const Leaving& leaving) { return leaving.seq == seq; });
}

std::vector<std::uint64_t> InDoubtEvents::Routed() const {
  std::vector<std::uint64_t> seqs;
  for (const Leaving& leaving : leaving_) {
    if (leaving.routed) seqs.push_back(leaving.seq);
  }
  return seqs;
}

std::optional<EventInDoubt> InDoubtEvents::TakeOverdue(std::int64_t now_ms) {
  if (waiting_.empty() || now_ms < next_due_ms_) return std::nullopt;
  std::int64_t next_due_ms = std::numeric_limits<std::int64_t>::max();
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->second.due_ms > now_ms) {
      next_due_ms = std::min(next_due_ms, it->second.due_ms);
      continue;
    }
    EventInDoubt event = std::move(it->second.event);
    leaving_.push_back({event.seq, 0, false});
    waiting_.erase(it);
    return event;
  }
  next_due_ms_ = next_due_ms;
  return std::nullopt;
}

void InDoubtEvents::OnRetained(std::string_view topic, std::uint64_t seq) {
  for (auto it = waiting_.begin(); it != waiting_.lower_bound(seq); ++it) {
    if (it->second.event.topic == topic) it->second.event.retain = false;
  }
}

void InDoubtEvents::OnTurn() {
  for (Leaving& leaving : leaving_) ++leaving.turns;
}

std::optional<std::uint64_t> InDoubtEvents::NextHandedOn() const {
  if (leaving_.empty() || leaving_.front().turns <= kTurns) return std::nullopt;
  return leaving_.front().seq;
}

void InDoubtEvents::RemoveHandedOn() { leaving_.pop_front(); }

std::optional<std::uint64_t> InDoubtEvents::OldestAbove(std::uint64_t seq) const {
  std::optional<std::uint64_t> oldest;
  if (const auto above = waiting_.upper_bound(seq); above != waiting_.end()) oldest = above->first;
  for (const Leaving& leaving : leaving_) {
    if (leaving.seq > seq) oldest = std::min(oldest.value_or(leaving.seq), leaving.seq);
  }
  return oldest;
}

}  // namespace dedup
