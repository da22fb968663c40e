#include "http_sidecar/server/seats.h"

#include <utility>

namespace dedup::sidecar {

std::string Seats::NameOf(const Visit& visit) { return visit.exchange->client; }

std::unique_ptr<Visit> Seats::Enter(std::unique_ptr<Visit> visit) {
  const std::lock_guard lock(mutex_);
  Client& client = clients_[NameOf(*visit)];
  const bool is_whole = visit->exchange->is_whole();
  const bool is_next = client.whole.empty() && (is_whole || client.partial.empty());
  if (is_next && MayEnter(client)) {
    ++taken_;
    ++client.held;
    visit->has_seat = true;
    return visit;
  }
  (is_whole ? client.whole : client.partial).push_back({Clock::now(), std::move(visit)});
  ++waiting_count_;
  return nullptr;
}

void Seats::Leave(Visit* visit) {
  if (!std::exchange(visit->has_seat, false)) return;
  std::unique_ptr<Visit> next;
  {
    const std::lock_guard lock(mutex_);
    const auto client = clients_.find(NameOf(*visit));
    --taken_;
    if (--client->second.held == 0 && !client->second.has_waiting()) clients_.erase(client);
    if (waiting_count_ > 0) next = NextToEnter(&Client::whole);
    if (waiting_count_ > 0 && next == nullptr) next = NextToEnter(&Client::partial);
  }
  if (next != nullptr) serve_(std::move(next));
}

// In turn of the clients, not of their requests.
std::unique_ptr<Visit> Seats::NextToEnter(std::deque<Waiting> Client::*waiting) {
  auto client = clients_.upper_bound(last_served_);
  for (std::size_t i = 0; i < clients_.size(); ++i, ++client) {
    if (client == clients_.end()) client = clients_.begin();
    std::deque<Waiting>& queue = client->second.*waiting;
    if (queue.empty() || !MayEnter(client->second)) continue;
    std::unique_ptr<Visit> visit = std::move(queue.front().visit);
    queue.pop_front();
    --waiting_count_;
    ++taken_;
    ++client->second.held;
    visit->has_seat = true;
    last_served_ = client->first;
    return visit;
  }
  return nullptr;
}

std::vector<std::unique_ptr<Visit>> Seats::TakeWaiting(Clock::time_point before) {
  std::vector<std::unique_ptr<Visit>> taken;
  const std::lock_guard lock(mutex_);
  if (waiting_count_ == 0) return taken;
  for (auto next = clients_.begin(); next != clients_.end();) {
    Client& client = next->second;
    for (std::deque<Waiting>* const queue : {&client.whole, &client.partial}) {
      while (!queue->empty() && queue->front().since < before) {
        taken.push_back(std::move(queue->front().visit));
        queue->pop_front();
        --waiting_count_;
      }
    }
    next = client.held == 0 && !client.has_waiting() ? clients_.erase(next) : std::next(next);
  }
  return taken;
}

bool Seats::AreShortFor(const Visit& visit) const {
  const std::lock_guard lock(mutex_);
  if (taken_ > count_ - count_ / 4) return true;
  if (waiting_count_ == 0) return false;
  const auto client = clients_.find(NameOf(visit));
  return client != clients_.end() && client->second.has_waiting();
}

}  // namespace dedup::sidecar
