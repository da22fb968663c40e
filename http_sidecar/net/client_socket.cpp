#include "http_sidecar/net/client_socket.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kInputBytes = 16 * 1024;
constexpr std::size_t kOutputBytesMax = 64 * 1024;
constexpr milliseconds kCrowdLookInterval{200};
constexpr milliseconds kDrainPause{2000};
constexpr std::size_t kDrainBytesMax = std::size_t{256} << 20;

int MillisecondsUntil(ClientSocket::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - ClientSocket::Clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

}  // namespace

ClientSocket::ClientSocket(Connection* connection, int stop_fd, std::function<bool()> is_crowded)
    : connection_(connection), stop_fd_(stop_fd), is_crowded_(std::move(is_crowded)), input_(kInputBytes) {}

bool ClientSocket::Handshake() {
  BeginHead();
  for (;;) {
    const Connection::Moved done = connection_->Handshake();
    if (done.awaited == 0) return done.bytes > 0;
    if (!Await(done.awaited)) return false;
  }
}

ClientSocket::Arrival ClientSocket::AwaitRequest(milliseconds patience) {
  if (input_begin_ != input_end_) return Arrival::kRequest;
  if (connection_->has_unread()) return Fill() ? Arrival::kRequest : Arrival::kEnd;
  pollfd fds[] = {{connection_->fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  const Clock::time_point deadline = Clock::now() + patience;
  int count;
  do {
    count = poll(fds, 2, MillisecondsUntil(deadline));
  } while (count < 0 && errno == EINTR);
  if (count == 0) return Arrival::kNothing;
  return fds[1].revents == 0 && fds[0].revents != 0 && Fill() ? Arrival::kRequest : Arrival::kEnd;
}

void ClientSocket::BeginHead() {
  in_head_ = true;
  awaited_ = 0;
}

void ClientSocket::BeginBody() {
  in_head_ = false;
  awaited_ = 0;
}

ssize_t ClientSocket::Read(char* data, std::size_t size) {
  if (!FillIfEmpty()) return -1;
  size = std::min(size, input_end_ - input_begin_);
  std::memcpy(data, input_.data() + input_begin_, size);
  input_begin_ += size;
  return static_cast<ssize_t>(size);
}

bool ClientSocket::ReadLine(std::size_t size_max, std::string* line) {
  for (bool is_whole = false; !is_whole && size_max > 0;) {
    if (!FillIfEmpty()) return false;
    std::string_view input(input_.data() + input_begin_, std::min(size_max, input_end_ - input_begin_));
    const std::size_t line_feed = input.find('\n');
    is_whole = line_feed != std::string_view::npos;
    if (is_whole) input = input.substr(0, line_feed + 1);
    line->append(input);
    input_begin_ += input.size();
    size_max -= input.size();
  }
  return true;
}

bool ClientSocket::Write(std::string_view data) {
  if (output_.size() + data.size() < kOutputBytesMax) {
    output_.append(data);
    return true;
  }
  // Much is sent from where it is: copying it would cost as much as sending.
  const bool is_sent = Send(output_, true) && Send(data, false);
  output_.clear();
  return is_sent;
}

bool ClientSocket::Flush() {
  const bool is_sent = Send(output_, false);
  output_.clear();
  return is_sent;
}

bool ClientSocket::Send(std::string_view data, bool more_follows) {
  while (!data.empty()) {
    const Connection::Moved sent = connection_->Send(data, more_follows);
    if (sent.awaited != 0 ? !Await(sent.awaited) : sent.bytes == 0) return false;
    data.remove_prefix(sent.bytes);
    moved_bytes_ += sent.bytes;
    sent_bytes_ += sent.bytes;
  }
  return true;
}

void ClientSocket::Drain() {
  if (!Flush()) return;
  connection_->EndSending();
  BeginBody();
  for (std::size_t bytes = 0; bytes < kDrainBytesMax; bytes += input_end_) {
    if (!Fill(kDrainPause)) return;
  }
}

bool ClientSocket::Await(short events, milliseconds pause_max) {
  if (events != awaited_) {
    awaited_ = events;
    waited_ = {};
    moved_bytes_ = 0;
  }
  for (Clock::duration pause{0};;) {
    const Patience& patience = is_crowded_() ? kPatienceInCrowd : kPatience;
    const Clock::duration pause_left = std::min(patience.pause, pause_max) - pause;
    const Clock::duration left =
        std::min(pause_left, patience.pause + milliseconds(1000 * moved_bytes_ / patience.bytes_per_second) - waited_);
    if (left <= Clock::duration::zero()) return false;
    const Clock::time_point begin = Clock::now();
    pollfd fd{connection_->fd(), events, 0};
    const int count = poll(&fd, 1, MillisecondsUntil(begin + std::min<Clock::duration>(left, kCrowdLookInterval)));
    const Clock::duration took = Clock::now() - begin;
    pause += took;
    waited_ += took;
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

bool ClientSocket::FillIfEmpty() {
  if (input_begin_ != input_end_) return true;
  // A client that waits for "100 Continue" must get it before it will send anything.
  return Flush() && Fill();
}

// Reads what there is, at least one byte, into the empty buffer.
bool ClientSocket::Fill(milliseconds pause_max) {
  input_begin_ = input_end_ = 0;
  for (;;) {
    const Connection::Moved received = connection_->Receive(input_.data(), input_.size());
    if (received.awaited == 0) {
      input_end_ = received.bytes;
      if (!in_head_) moved_bytes_ += input_end_;
      return input_end_ > 0;
    }
    if (!Await(received.awaited, pause_max)) return false;
  }
}

}  // namespace dedup::sidecar
