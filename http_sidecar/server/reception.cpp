#include "http_sidecar/server/reception.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/net/address.h"

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kWakeId = 0;
constexpr std::uint64_t kListeningId = 1;
constexpr std::uint64_t kFirstId = 2;
constexpr milliseconds kTick{200};
constexpr int kAcceptsAtOnce = 64;
constexpr milliseconds kPauseWithoutFds{100};
constexpr seconds kFirstWordPatience{60};
constexpr seconds kLingerPatience{2};
constexpr std::size_t kLingerBytesMax = std::size_t{1} << 20;
constexpr std::size_t kLingeringMax = 1024;

int MakeFd(int fd, const char* call) {
  if (fd < 0) throw std::system_error(errno, std::system_category(), call);
  return fd;
}

std::uint32_t EpollEvents(short awaited) {
  return (awaited == POLLOUT ? EPOLLOUT : EPOLLIN | EPOLLRDHUP) | EPOLLONESHOT;
}

// Of a connection that was in the epoll set before, or not yet.
bool ListenFor(int epoll_fd, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{.events = events, .data = {.u64 = id}};
  return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0 ||
         (errno == ENOENT && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace

Reception::Reception(Options options, Calls calls)
    : options_(std::move(options)),
      calls_(std::move(calls)),
      epoll_fd_(MakeFd(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_fd_(MakeFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      counts_(options_.connections_per_address_max),
      places_(options_.connections_max),
      next_id_(kFirstId) {
  epoll_event wake{.events = EPOLLIN, .data = {.u64 = kWakeId}};
  MakeFd(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &wake), "epoll_ctl");
}

Reception::~Reception() {
  Stop();
  close(epoll_fd_);
  close(wake_fd_);
}

bool Reception::Run(int listening_fd) {
  epoll_event listening{.events = EPOLLIN, .data = {.u64 = kListeningId}};
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listening_fd, &listening) != 0) {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  constexpr int kEventsMax = 256;
  epoll_event events[kEventsMax];
  for (Clock::time_point next_tick = Clock::now() + kTick;;) {
    const int count = epoll_wait(epoll_fd_, events, kEventsMax, static_cast<int>(kTick.count()));
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return true;
    }
    try {
      bool has_arrivals = false;
      for (int i = 0; i < count; ++i) {
        const Id id = events[i].data.u64;
        if (id == kListeningId) {
          has_arrivals = true;
        } else if (id != kWakeId) {
          OnEvent(id);
        }
      }
      // Behind the others, for they were here before.
      if (has_arrivals && !AcceptAll(listening_fd)) return false;
      if (const Clock::time_point now = Clock::now(); now >= next_tick) {
        CloseLate(now);
        calls_.on_tick();
        next_tick = now + kTick;
      }
    } catch (const std::exception& error) {  // out of memory
      Log(std::string("connections wait: ") + error.what());
      std::this_thread::sleep_for(kTick);
    }
  }
}

bool Reception::AcceptAll(int listening_fd) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    SocketFd socket(accept4(listening_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() >= 0) {
      Welcome(std::move(socket));
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return true;
      case EMFILE:
      case ENFILE:
      case ENOMEM:
      case ENOBUFS:
        if (EvictAny()) continue;
        std::this_thread::sleep_for(kPauseWithoutFds);
        return true;
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
      case EOPNOTSUPP: {
        const std::lock_guard lock(mutex_);
        return stopping_;
      }
      default:  // of that one connection
        continue;
    }
  }
  return true;
}

void Reception::Welcome(SocketFd socket) {
  std::string network = NetworkOf(socket.get());
  auto of_address = counts_.Enter(network);
  if (of_address == nullptr) {
    if (options_.refusal.empty()) return;
    // It fits, for nothing was sent before.
    send(socket.get(), options_.refusal.data(), options_.refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    auto connection = MakePlainConnection(socket.Release());
    connection->EndSending();
    return Linger(std::move(connection));
  }
  auto place = MakePlace(network);
  if (place == nullptr) return;
  auto visit = std::make_unique<Visit>();
  visit->network = std::move(network);
  visit->arrived = std::move(socket);
  visit->place = std::make_shared<const std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(
      std::move(of_address), std::move(place));
  Await(std::move(visit), POLLIN, Clock::now() + kFirstWordPatience);
}

std::shared_ptr<const void> Reception::MakePlace(const std::string& network) {
  auto share = std::make_shared<FairBudget::Share>(&places_, network);
  if (share->Resize(1)) return share;
  return EvictFrom(network) && share->Resize(1) ? share : nullptr;
}

void Reception::Await(std::unique_ptr<Visit> visit, short awaited, Clock::time_point deadline) {
  const int fd = visit->fd();
  if (visit->socket != nullptr) visit->socket->Rest();
  std::unique_ptr<Visit> lost;
  {
    const std::lock_guard lock(mutex_);
    // Distrusted before Close has looked for such as wait, and back from its thread after that.
    const bool is_distrusted = visit->connection != nullptr && !visit->connection->is_trusted();
    if (stopping_ || is_distrusted) {
      lost = std::move(visit);
      return;
    }
    const Id id = next_id_++;
    std::list<Id>& network = networks_[visit->network];
    const auto in_network = network.insert(network.end(), id);
    const auto [entry, is_new] =
        waiting_.emplace(id, Waiting{.visit = std::move(visit), .deadline = deadline, .in_network = in_network});
    deadlines_.emplace(deadline, id);
    if (!ListenFor(epoll_fd_, fd, EpollEvents(awaited), id)) lost = TakeOut(entry);
  }
}

void Reception::Linger(std::unique_ptr<Connection> connection) {
  const int fd = connection->fd();
  const std::lock_guard lock(mutex_);
  if (stopping_ || lingering_.size() >= kLingeringMax) return;
  const Id id = next_id_++;
  const auto [entry, is_new] = lingering_.emplace(id, Lingering{.connection = std::move(connection),
                                                                .bytes_left = kLingerBytesMax,
                                                                .deadline = Clock::now() + kLingerPatience});
  if (!ListenFor(epoll_fd_, fd, EPOLLIN | EPOLLRDHUP, id)) lingering_.erase(entry);
}

void Reception::Close(const std::function<bool(const Visit&)>& is_over) {
  std::vector<std::unique_ptr<Visit>> over;
  const std::lock_guard lock(mutex_);
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto entry = next++;
    if (is_over(*entry->second.visit)) over.push_back(TakeOut(entry));
  }
}

void Reception::Stop() {
  std::map<Id, Waiting> waiting;
  std::map<Id, Lingering> lingering;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(waiting_);
    lingering.swap(lingering_);
    deadlines_.clear();
    networks_.clear();
  }
  eventfd_write(wake_fd_, 1);
}

bool Reception::EvictFrom(const std::string& network) {
  std::unique_ptr<Visit> evicted;
  const std::lock_guard lock(mutex_);
  const auto found = networks_.find(network);
  if (found == networks_.end()) return false;
  evicted = TakeOut(waiting_.find(found->second.front()));
  return true;
}

bool Reception::EvictAny() {
  std::unique_ptr<Visit> evicted;
  const std::lock_guard lock(mutex_);
  if (deadlines_.empty()) return false;
  evicted = TakeOut(waiting_.find(deadlines_.begin()->second));
  return true;
}

std::unique_ptr<Visit> Reception::TakeOut(std::map<Id, Waiting>::iterator entry) {
  const auto [id, deadline] = std::pair(entry->first, entry->second.deadline);
  std::unique_ptr<Visit> visit = std::move(entry->second.visit);
  const auto network = networks_.find(visit->network);
  network->second.erase(entry->second.in_network);
  if (network->second.empty()) networks_.erase(network);
  deadlines_.erase({deadline, id});
  waiting_.erase(entry);
  return visit;
}

void Reception::OnEvent(Id id) {
  std::unique_ptr<Visit> visit;
  {
    const std::lock_guard lock(mutex_);
    if (const auto entry = waiting_.find(id); entry != waiting_.end()) {
      visit = TakeOut(entry);
    } else if (const auto lingering = lingering_.find(id); lingering != lingering_.end()) {
      if (!TakeIn(&lingering->second)) lingering_.erase(lingering);
    }
  }
  if (visit != nullptr) calls_.on_ready(std::move(visit));
}

// False when it is to be closed.
bool Reception::TakeIn(Lingering* lingering) const {
  for (char ignored[64 * 1024];;) {
    const ssize_t count = recv(lingering->connection->fd(), ignored, sizeof ignored, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 && errno == EAGAIN;
    if (static_cast<std::size_t>(count) >= lingering->bytes_left) return false;
    lingering->bytes_left -= static_cast<std::size_t>(count);
  }
}

void Reception::CloseLate(Clock::time_point now) {
  std::vector<std::unique_ptr<Visit>> late;
  const std::lock_guard lock(mutex_);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    late.push_back(TakeOut(waiting_.find(deadlines_.begin()->second)));
  }
  std::erase_if(lingering_, [now](const auto& entry) { return entry.second.deadline <= now; });
}

}  // namespace dedup::sidecar
