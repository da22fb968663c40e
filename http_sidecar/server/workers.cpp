#include "http_sidecar/server/workers.h"

#include <utility>

namespace dedup::sidecar {
namespace {

// Whether the worker that runs on this thread counts among those without a seat.
thread_local bool is_without_seat = false;

}  // namespace

Workers::Workers(std::size_t count, std::function<void(std::unique_ptr<Visit>)> serve) : serve_(std::move(serve)) {
  try {
    while (threads_.size() < count) threads_.emplace_back(&Workers::Run, this);
  } catch (...) {
    Stop();
    throw;
  }
}

void Workers::Give(std::unique_ptr<Visit> visit) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    (visit->has_seat ? seated_ : others_).push_back(std::move(visit));
    if (!IsNext()) return;
  }
  given_.notify_one();
}

void Workers::Stop() {
  std::deque<std::unique_ptr<Visit>> lost_seated, lost_others;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    lost_seated.swap(seated_);
    lost_others.swap(others_);
  }
  given_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Workers::GotSeat() {
  if (!std::exchange(is_without_seat, false)) return;
  const std::lock_guard lock(mutex_);
  --without_seat_;
  if (IsNext()) given_.notify_one();
}

bool Workers::MayGoOnWithoutSeat() {
  const std::lock_guard lock(mutex_);
  if (is_without_seat) return others_.empty();
  if (!others_.empty() || without_seat_ >= kWithoutSeatMax) return false;
  ++without_seat_;
  is_without_seat = true;
  return true;
}

void Workers::Run() {
  for (;;) {
    std::unique_ptr<Visit> visit;
    {
      std::unique_lock lock(mutex_);
      ++idle_count_;
      given_.wait(lock, [this] { return stopping_ || IsNext(); });
      --idle_count_;
      if (stopping_) return;
      is_without_seat = seated_.empty();
      if (is_without_seat) ++without_seat_;
      std::deque<std::unique_ptr<Visit>>& waiting = is_without_seat ? others_ : seated_;
      visit = std::move(waiting.front());
      waiting.pop_front();
    }
    serve_(std::move(visit));
    GotSeat();  // or needs none any more
  }
}

}  // namespace dedup::sidecar
