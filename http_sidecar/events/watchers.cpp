#include "http_sidecar/events/watchers.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/events/event_json.h"
#include "plugin/core/base/errors.h"

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kPollInterval{20};
constexpr seconds kHeartbeatInterval{15};
constexpr seconds kStallPatience{15};
constexpr seconds kStorePause{1};                         // after an error of the store's
constexpr std::size_t kUnsentBytesMax = 256 * 1024;       // then a watcher lags
constexpr std::size_t kUnsentBytesOfLagging = 64 * 1024;  // below it a watcher gets its next piece
constexpr std::size_t kPieceBytes = 128 * 1024;
constexpr int kSocketBufferBytes = 128 * 1024;
constexpr std::size_t kScratchBytes = 64 * 1024;  // what goes out in one call, of frames that are smaller
constexpr std::size_t kFrameOverheadBytes = 256;
constexpr std::size_t kFormFactorMax = 3;  // a payload, and the whole message beside it
// All watchers together hold what they share. A blank is in no token's name, and no network has two.
constexpr char kAllWatchers[] = "  ";

void AppendFrame(const StoredEvent& event, std::string* out) {
  out->append("id: ").append(std::to_string(event.seq)).append("\ndata: ");
  AppendEventOnOneLine(event, out);
  out->append("\n\n");
}

int MakeFd(int fd, const char* call) {
  if (fd < 0) throw std::system_error(errno, std::system_category(), call);
  return fd;
}

// A watcher has nothing to say. False when it has gone.
bool HearOut(Connection* connection) {
  char ignored[4096];
  const Connection::Moved heard = connection->Receive(ignored, sizeof ignored);
  return heard.bytes > 0 || heard.awaited != 0;
}

}  // namespace

struct Watchers::Frame {
  std::string text;
  FairBudget::Share memory = {};
};

struct Watchers::Watcher {
  Watcher(std::unique_ptr<Connection> the_connection, Watch the_watch)
      : connection(std::move(the_connection)),
        filter(std::make_shared<const EventFilter>(std::move(the_watch.filter))),
        caller(std::move(the_watch.caller)),
        client(std::move(the_watch.client)),
        place(std::move(the_watch.place)),
        next_seq(the_watch.first_seq) {}

  const std::unique_ptr<Connection> connection;
  const std::shared_ptr<const EventFilter> filter;  // shared with a piece that is being read
  const Caller caller;
  const std::string client;
  const std::shared_ptr<const void> place;
  std::uint64_t next_seq;  // all before it has been looked at
  bool awaits_piece = false;
  std::deque<std::shared_ptr<const Frame>> unsent;
  std::size_t unsent_bytes = 0;
  std::size_t sent_of_first = 0;  // bytes of the first frame
  Clock::time_point last_queued = Clock::now();
  Clock::time_point last_sent = Clock::now();
  bool awaits_room = false;  // epoll tells when the connection takes more

  bool IsLive(std::uint64_t tail_seq) const { return next_seq > tail_seq && unsent_bytes < kUnsentBytesMax; }
  void Append(std::shared_ptr<const Frame> frame) {
    if (frame->text.empty()) return;
    unsent_bytes += frame->text.size();
    unsent.push_back(std::move(frame));
    last_queued = Clock::now();
  }
  void Sent(std::size_t bytes) {
    unsent_bytes -= bytes;
    sent_of_first += bytes;
    while (!unsent.empty() && sent_of_first >= unsent.front()->text.size()) {
      sent_of_first -= unsent.front()->text.size();
      unsent.pop_front();
    }
  }
};

struct Watchers::Piece {
  std::uint64_t watcher_id;
  std::string client;
  std::shared_ptr<const EventFilter> filter;
  std::uint64_t next_seq;  // where it begins; once it is read, where the next one does
  std::shared_ptr<const Frame> frame = {};
};

Watchers::Watchers(EventStore* store, FairBudget* memory, std::function<bool(const Caller&)> may_stay)
    : store_(store),
      memory_(memory),
      may_stay_(std::move(may_stay)),
      epoll_fd_(MakeFd(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_fd_(MakeFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
  epoll_event wake{.events = EPOLLIN, .data = {.u64 = 0}};
  MakeFd(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &wake), "epoll_ctl");
  sender_ = std::thread(&Watchers::Run, this);
  catcher_up_ = std::thread(&Watchers::RunCatchUp, this);
}

Watchers::~Watchers() {
  Stop();
  close(epoll_fd_);
  close(wake_fd_);
}

std::shared_ptr<const void> Watchers::Enter(const std::string& client) {
  auto share = std::make_shared<FairBudget::Share>(&places_, client);
  return share->Resize(1) ? share : nullptr;
}

void Watchers::Add(std::unique_ptr<Connection> connection, Watch watch) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++count_;
    added_.emplace_back(std::move(connection), std::move(watch));
  }
  Wake();
}

void Watchers::Review() {
  must_review_ = true;
  Wake();
}

void Watchers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_changed_.notify_all();
  Wake();
  if (sender_.joinable()) sender_.join();
  if (catcher_up_.joinable()) catcher_up_.join();
  // Who came too late to be taken.
  const std::lock_guard lock(mutex_);
  added_.clear();
}

void Watchers::Wake() const { eventfd_write(wake_fd_, 1); }

void Watchers::Run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    try {
      TakeAdded();
      DropTheUnwelcome();
      TakePieces();
      if (!watchers_.empty() && Clock::now() >= store_trouble_until_) ReadNew();
      BeginCatchUps();
      SendAll();
    } catch (const std::exception& error) {  // out of memory: whoever cannot be served anew is served later
      Log(std::string("watchers wait: ") + error.what());
      std::this_thread::sleep_for(kPollInterval);
    }
    Await();
  }
  watchers_.clear();
  count_ = 0;
}

void Watchers::TakeAdded() {
  std::vector<Added> added;
  {
    const std::lock_guard lock(mutex_);
    added.swap(added_);
  }
  static const auto beginning = std::make_shared<const Frame>(Frame{.text = "retry: 1000\n\n"});
  for (auto& [connection, watch] : added) {
    const std::uint64_t id = next_id_++;
    const int fd = connection->fd();
    auto watcher = std::make_unique<Watcher>(std::move(connection), std::move(watch));
    watcher->Append(beginning);
    // What the kernel holds for a watcher that does not read is memory too.
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = id}};
    // The token may have been taken back since it was asked for.
    if (!MayStay(*watcher) || epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
      --count_;
      continue;
    }
    watchers_.emplace(id, std::move(watcher));
  }
}

bool Watchers::MayStay(const Watcher& watcher) const {
  return watcher.connection->is_trusted() && may_stay_(watcher.caller);
}

void Watchers::DropTheUnwelcome() {
  if (!must_review_.exchange(false)) return;
  for (auto next = watchers_.begin(); next != watchers_.end();) {
    const auto [id, watcher] = std::pair(next->first, next->second.get());
    ++next;
    if (!MayStay(*watcher)) Drop(id);
  }
}

void Watchers::TakePieces() {
  std::vector<Piece> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (const Piece& piece : done) {
    const auto found = watchers_.find(piece.watcher_id);
    if (found == watchers_.end()) continue;
    Watcher& watcher = *found->second;
    watcher.awaits_piece = false;
    watcher.next_seq = piece.next_seq;
    if (piece.frame != nullptr) watcher.Append(piece.frame);
  }
}

void Watchers::ReadNew() {
  try {
    const std::uint64_t stored_seq = store_->Read([](EventReader& reader) { return reader.StoredSeq(); });
    if (stored_seq > tail_seq_) ReadNewUpTo(stored_seq);
  } catch (const StorageError& error) {
    Log(std::string("watchers wait: the event store cannot be read: ") + error.what());
    store_trouble_until_ = Clock::now() + kStorePause;
  }
}

void Watchers::ReadNewUpTo(std::uint64_t stored_seq) {
  std::vector<Watcher*> live;
  std::uint64_t first_seq = stored_seq + 1;
  for (const auto& [id, watcher] : watchers_) {
    if (watcher->awaits_piece || !watcher->IsLive(tail_seq_)) continue;
    live.push_back(watcher.get());
    first_seq = std::min(first_seq, watcher->next_seq);
  }
  std::optional<EventRange> rest;
  if (first_seq <= stored_seq) {
    std::vector<Watcher*> takers;
    rest = store_->Read([&](EventReader& reader) {
      return reader.ReadEvents({}, {.first_seq = first_seq, .last_seq = stored_seq}, [&](const StoredEvent& event) {
        takers.clear();
        const auto looks_at = [&](const Watcher& watcher) {
          // Otherwise it was caught up further already, or from here on it lags.
          return watcher.next_seq <= event.seq && watcher.unsent_bytes < kUnsentBytesMax;
        };
        for (Watcher* const watcher : live) {
          if (looks_at(*watcher) && watcher->filter->Matches(event)) takers.push_back(watcher);
        }
        const auto frame = takers.empty() ? nullptr : MakeFrame(event);
        if (frame == nullptr && !takers.empty()) return false;  // later
        // Before anybody is sent more: who lags is decided by what was unsent before.
        for (Watcher* const watcher : live) {
          if (looks_at(*watcher)) watcher->next_seq = event.seq + 1;
        }
        for (Watcher* const watcher : takers) watcher->Append(frame);
        return true;
      });
    });
  }
  tail_seq_ = rest ? rest->first_seq - 1 : stored_seq;
  for (Watcher* const watcher : live) {
    if (watcher->unsent_bytes < kUnsentBytesMax) watcher->next_seq = std::max(watcher->next_seq, tail_seq_ + 1);
  }
}

void Watchers::BeginCatchUps() {
  std::vector<Piece> wanted;
  for (const auto& [id, watcher] : watchers_) {
    if (watcher->awaits_piece || watcher->next_seq > tail_seq_ || watcher->unsent_bytes > kUnsentBytesOfLagging) {
      continue;
    }
    watcher->awaits_piece = true;
    wanted.push_back(
        {.watcher_id = id, .client = watcher->client, .filter = watcher->filter, .next_seq = watcher->next_seq});
  }
  if (wanted.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::move(wanted, std::back_inserter(wanted_));
  }
  wanted_changed_.notify_one();
}

void Watchers::SendAll() {
  const Clock::time_point now = Clock::now();
  std::vector<std::uint64_t> gone;
  for (const auto& [id, watcher] : watchers_) {
    if (watcher->unsent.empty() && now - watcher->last_queued >= kHeartbeatInterval) {
      // An id without data is no event, but the client keeps it.
      watcher->Append(
          std::make_shared<const Frame>(Frame{.text = "id: " + std::to_string(watcher->next_seq - 1) + "\n\n"}));
    }
    if (watcher->awaits_room) {
      if (now - watcher->last_sent >= kStallPatience) gone.push_back(id);
    } else if (!Send(watcher.get())) {
      gone.push_back(id);
    } else if (watcher->awaits_room) {
      epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT, .data = {.u64 = id}};
      epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, watcher->connection->fd(), &event);
    }
  }
  for (const std::uint64_t id : gone) Drop(id);
}

bool Watchers::Send(Watcher* watcher) {
  bool has_sent = watcher->unsent.empty();
  while (!watcher->unsent.empty() && !watcher->awaits_room) {
    const Connection::Moved moved = watcher->connection->Send(NextToSend(*watcher), /*more_follows=*/false);
    watcher->awaits_room = moved.awaited != 0;
    if (moved.awaited == 0 && moved.bytes == 0) return false;
    watcher->Sent(moved.bytes);
    has_sent = has_sent || moved.bytes > 0;
  }
  if (has_sent) watcher->last_sent = Clock::now();
  return true;
}

// What is large from where it is; of small frames many at once. After a call that could not send it, it begins with the
// same bytes and is no shorter, as Connection::Send wants it.
std::string_view Watchers::NextToSend(const Watcher& watcher) {
  const std::string_view first = std::string_view(watcher.unsent.front()->text).substr(watcher.sent_of_first);
  if (first.size() >= kScratchBytes || watcher.unsent.size() == 1) return first;
  scratch_.assign(first);
  for (std::size_t i = 1; i < watcher.unsent.size() && scratch_.size() < kScratchBytes; ++i) {
    scratch_.append(watcher.unsent[i]->text, 0, kScratchBytes - scratch_.size());
  }
  return scratch_;
}

// Null where there is no memory for it.
std::shared_ptr<const Watchers::Frame> Watchers::MakeFrame(const StoredEvent& event) const {
  auto frame = std::make_shared<Frame>(Frame{.text = {}, .memory = FairBudget::Share(memory_, kAllWatchers)});
  if (!frame->memory.Resize(kFormFactorMax * event.payload.size() + event.topic.size() + kFrameOverheadBytes)) return nullptr;
  AppendFrame(event, &frame->text);
  frame->text.shrink_to_fit();
  frame->memory.Resize(frame->text.size() + kFrameOverheadBytes);
  return frame;
}

void Watchers::Await() {
  constexpr int kEventsMax = 64;
  epoll_event events[kEventsMax];
  const int timeout_ms = watchers_.empty() ? -1 : static_cast<int>(kPollInterval.count());
  const int count = epoll_wait(epoll_fd_, events, kEventsMax, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t id = events[i].data.u64;
    if (id == 0) {
      eventfd_t wakes;
      eventfd_read(wake_fd_, &wakes);
      continue;
    }
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) continue;
    Watcher& watcher = *found->second;
    if ((events[i].events & EPOLLIN) != 0 && !HearOut(watcher.connection.get())) {
      Drop(id);
    } else if ((events[i].events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
      Drop(id);
    } else if ((events[i].events & EPOLLOUT) != 0) {
      watcher.awaits_room = false;
      epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = id}};
      epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, watcher.connection->fd(), &event);
    }
  }
}

void Watchers::Drop(std::uint64_t id) {
  watchers_.erase(id);
  --count_;
}

void Watchers::RunCatchUp() {
  for (;;) {
    std::optional<Piece> wanted;
    {
      std::unique_lock lock(mutex_);
      wanted_changed_.wait(lock, [this] { return stopping_ || !wanted_.empty(); });
      if (stopping_) return;
      wanted = std::move(wanted_.front());
      wanted_.pop_front();
    }
    Piece piece = *wanted;
    try {
      piece = CatchUp(*wanted);
      // There was no memory.
      if (piece.next_seq == wanted->next_seq) std::this_thread::sleep_for(kPollInterval);
    } catch (const std::exception& error) {
      Log(std::string("a watcher waits: ") + error.what());
      std::this_thread::sleep_for(kPollInterval);
    }
    {
      const std::lock_guard lock(mutex_);
      done_.push_back(std::move(piece));
    }
    Wake();
  }
}

Watchers::Piece Watchers::CatchUp(const Piece& wanted) {
  Piece piece = wanted;
  auto frame = std::make_shared<Frame>(Frame{.text = {}, .memory = FairBudget::Share(memory_, wanted.client)});
  store_->Read([&](EventReader& reader) {
    const std::uint64_t stored_seq = reader.StoredSeq();
    const auto rest = reader.ReadEvents(
        *wanted.filter, {.first_seq = wanted.next_seq, .last_seq = stored_seq}, [&](const StoredEvent& event) {
          if (frame->text.size() >= kPieceBytes) return false;
          const std::size_t bytes = frame->text.size() + kFormFactorMax * event.payload.size() + event.topic.size();
          if (!frame->memory.Resize(std::max(frame->memory.amount(), bytes + kFrameOverheadBytes))) return false;
          AppendFrame(event, &frame->text);
          return true;
        });
    piece.next_seq = rest ? rest->first_seq : std::max(wanted.next_seq, stored_seq + 1);
    return rest;
  });
  frame->text.shrink_to_fit();
  frame->memory.Resize(frame->text.size() + kFrameOverheadBytes);
  piece.frame = std::move(frame);
  return piece;
}

}  // namespace dedup::sidecar
