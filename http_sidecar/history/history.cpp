#include "http_sidecar/history/history.h"

#include <algorithm>
#include <limits>

namespace dedup::sidecar {
namespace {

std::uint32_t Small(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

bool HasFallen(const Reading& from, const Reading& to) {
  return to.events < from.events || to.duplicates < from.duplicates || to.refused < from.refused;
}

// Those of a process that was started anew begin at 0 again.
void Subtract(const Reading::Buckets& from, const Reading::Buckets& to,
              std::array<std::uint32_t, Reading::kBuckets>* out) {
  for (std::size_t i = 0; i < to.size(); ++i) (*out)[i] = to[i] < from[i] ? 0 : Small(to[i] - from[i]);
}

}  // namespace

void History::Add(Time now, const std::optional<Reading>& reading) {
  const std::lock_guard lock(mutex_);
  if (reading && last_ && !HasFallen(*last_, *reading) && now > last_time_) {
    Part part{.begin = last_time_,
              .end = now,
              .events = Small(reading->events - last_->events),
              .duplicates = Small(reading->duplicates - last_->duplicates),
              .refused = Small(reading->refused - last_->refused),
              .publishes = {},
              .syncs = {}};
    Subtract(last_->publishes, reading->publishes, &part.publishes);
    Subtract(last_->syncs, reading->syncs, &part.syncs);
    parts_.push_back(part);
  }
  last_ = reading;
  last_time_ = now;
  while (!parts_.empty() && (parts_.front().end + kReach < now || parts_.size() > kPartsMax)) parts_.pop_front();
}

HistoryRange History::Read(Time now, std::chrono::seconds step, std::size_t steps) const {
  using Seconds = std::chrono::duration<double>;
  HistoryRange range{.steps = std::vector<HistoryStep>(steps)};
  const Time begin = now - step * static_cast<std::int64_t>(steps);
  const std::lock_guard lock(mutex_);
  for (const Part& part : parts_) {
    if (part.end <= begin || part.begin >= now) continue;
    for (std::size_t i = 0; i < Reading::kBuckets; ++i) {
      range.publishes[i] += part.publishes[i];
      range.syncs[i] += part.syncs[i];
    }
    // One that is in several steps is spread over them evenly.
    const Seconds whole = part.end - part.begin;
    const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, (part.begin - begin) / step));
    for (std::size_t i = first; i < steps; ++i) {
      const Time step_begin = begin + step * static_cast<std::int64_t>(i);
      const Seconds overlap = std::min(part.end, step_begin + step) - std::max(part.begin, step_begin);
      if (overlap.count() <= 0) break;
      const double share = overlap / whole;
      HistoryStep& at = range.steps[i];
      at.known_s += overlap.count();
      at.events += share * part.events;
      at.duplicates += share * part.duplicates;
      at.refused += share * part.refused;
    }
  }
  return range;
}

}  // namespace dedup::sidecar
