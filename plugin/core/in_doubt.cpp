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
  const auto added = waiting_.insert_or_assign(seq, Waiting{std::move(event), due_ms}).first;
  try {
    waiting_by_topic_[added->second.event.topic].insert(seq);
  } catch (...) {
    waiting_.erase(added);
    throw;
  }
}

void InDoubtEvents::Claim(std::uint64_t seq, bool routed) {
  leaving_.push_back({seq, 0, routed});
  if (IsWaiting(seq)) Remove(seq);
}

std::uint64_t InDoubtEvents::OldestOf(std::string_view topic) const {
  const auto found = waiting_by_topic_.find(topic);
  return found == waiting_by_topic_.end() || found->second.empty() ? 0 : *found->second.begin();
}

EventInDoubt InDoubtEvents::Remove(std::uint64_t seq) noexcept {
  EventInDoubt event = std::move(waiting_.extract(seq).mapped().event);
  const auto of_topic = waiting_by_topic_.find(event.topic);
  of_topic->second.erase(seq);
  if (of_topic->second.empty()) waiting_by_topic_.erase(of_topic);
  return event;
}

EventInDoubt InDoubtEvents::TakeToQueue(std::uint64_t seq) {
  queued_topics_.insert(waiting_.at(seq).event.topic);
  leaving_.push_back({seq, 0, false});
  return Remove(seq);
}

std::optional<EventInDoubt> InDoubtEvents::TakeOlder(std::string_view topic, std::uint64_t seq) {
  const std::uint64_t oldest = OldestOf(topic);
  if (oldest == 0 || oldest >= seq) return std::nullopt;
  return TakeToQueue(oldest);
}

bool InDoubtEvents::WouldBeOvertaken(std::string_view topic, std::uint64_t seq) const {
  const std::uint64_t oldest = OldestOf(topic);
  return queued_topics_.contains(topic) || (oldest != 0 && oldest < seq);
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
    return TakeToQueue(it->first);
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
  queued_topics_.clear();
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
