#include "http_sidecar/net/client_socket.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kInputBytes = 16 * 1024;
constexpr std::size_t kOutputBytesMax = 64 * 1024;
constexpr std::size_t kHeldBlockBytes = 64 * 1024;
constexpr milliseconds kLookInterval{200};  // whether our patience has changed

int MillisecondsUntil(ClientSocket::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - ClientSocket::Clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

}  // namespace

ClientSocket::ClientSocket(Connection* connection, std::function<Patience()> patience)
    : connection_(connection), patience_(std::move(patience)) {}

ClientSocket::Progress ClientSocket::TryHandshake() {
  const Connection::Moved done = connection_->Handshake();
  try_awaits_ = done.awaited;
  if (done.awaited != 0) return Progress::kAwaits;
  return done.bytes > 0 ? Progress::kDone : Progress::kGone;
}

ClientSocket::Progress ClientSocket::TryReadLine(std::size_t size_max, std::string* line) {
  for (;;) {
    if (TakeLine(&size_max, line)) return Progress::kDone;
    const Connection::Moved received = Receive();
    try_awaits_ = received.awaited;
    if (received.awaited != 0) return Progress::kAwaits;
    if (received.bytes == 0) return Progress::kGone;
  }
}

bool ClientSocket::AwaitInput(milliseconds time) const {
  if (input_begin_ != input_end_ || connection_->has_unread()) return true;
  pollfd fd{connection_->fd(), POLLIN, 0};
  return poll(&fd, 1, static_cast<int>(time.count())) > 0;
}

std::size_t ClientSocket::available_bytes() const {
  int in_kernel = 0;  // with TLS: of records, which are a little longer than what is in them
  if (ioctl(connection_->fd(), FIONREAD, &in_kernel) != 0) in_kernel = 0;
  return input_end_ - input_begin_ + static_cast<std::size_t>(in_kernel);
}

ssize_t ClientSocket::Read(char* data, std::size_t size) {
  if (!FillIfEmpty()) return -1;
  size = std::min(size, input_end_ - input_begin_);
  std::memcpy(data, input_.get() + input_begin_, size);
  input_begin_ += size;
  return static_cast<ssize_t>(size);
}

bool ClientSocket::ReadLine(std::size_t size_max, std::string* line) {
  while (!TakeLine(&size_max, line)) {
    if (!FillIfEmpty()) return false;
  }
  return true;
}

// Moves what there is of a line out of the buffer. True when the line is whole, or has no room for more.
bool ClientSocket::TakeLine(std::size_t* size_max, std::string* line) {
  std::string_view input(input_.get() + input_begin_, std::min(*size_max, input_end_ - input_begin_));
  const std::size_t line_feed = input.find('\n');
  const bool is_whole = line_feed != std::string_view::npos;
  if (is_whole) input = input.substr(0, line_feed + 1);
  line->append(input);
  input_begin_ += input.size();
  *size_max -= input.size();
  return is_whole || *size_max == 0;
}

void ClientSocket::HoldOutput(std::function<bool(std::size_t)> may_hold) {
  may_hold_ = std::move(may_hold);
  if (!output_.empty()) Hold(std::exchange(output_, {}));
}

// Only where there is no more memory does it wait for the client.
bool ClientSocket::Hold(std::string_view data) {
  while (!data.empty()) {
    if (held_.empty() || held_.back().size() == kHeldBlockBytes) {
      while (!may_hold_(held_bytes_ + kHeldBlockBytes)) {
        if (held_.empty()) return Send(data, false);
        if (!SendHeld(/*may_wait=*/true, held_bytes_ - std::min(held_bytes_, kHeldBlockBytes))) return false;
      }
      held_.emplace_back().reserve(kHeldBlockBytes);
    }
    std::string& block = held_.back();
    const std::string_view part = data.substr(0, kHeldBlockBytes - block.size());
    block.append(part);
    data.remove_prefix(part.size());
    held_bytes_ += part.size();
  }
  return held_bytes_ < kOutputBytesMax || SendHeld(/*may_wait=*/false, 0);
}

// Until so many bytes are left, or without waiting as many as the client takes.
bool ClientSocket::SendHeld(bool may_wait, std::size_t bytes_left) {
  while (held_bytes_ > bytes_left && !held_.empty()) {
    const std::string_view first = std::string_view(held_.front()).substr(sent_of_first_);
    const Connection::Moved sent = connection_->Send(first, false);
    if (sent.awaited != 0) {
      if (!may_wait) return true;
      if (!Await(sent.awaited)) return false;
      continue;
    }
    if (sent.bytes == 0) return false;
    moved_bytes_ += sent.bytes;
    sent_bytes_ += sent.bytes;
    sent_of_first_ += sent.bytes;
    if (sent_of_first_ < held_.front().size()) continue;
    held_bytes_ -= held_.front().size();
    held_.pop_front();
    sent_of_first_ = 0;
    may_hold_(held_bytes_);
  }
  return true;
}

bool ClientSocket::Write(std::string_view data) {
  if (may_hold_) return Hold(data);
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
  if (may_hold_) {
    const bool is_sent = SendHeld(/*may_wait=*/true, 0);
    may_hold_ = nullptr;
    return is_sent;
  }
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

// `also`: what does not count, but is as good.
bool ClientSocket::Await(short events, short also) {
  if (events != awaited_) {
    awaited_ = events;
    waited_ = {};
    moved_bytes_ = 0;
  }
  for (Clock::duration pause{0};;) {
    const Patience patience = patience_();
    const Clock::duration left = std::min<Clock::duration>(
        patience.pause - pause,
        patience.pause + milliseconds(1000 * moved_bytes_ / patience.bytes_per_second) - waited_);
    is_late_ = patience.pause == milliseconds(0) || left <= Clock::duration::zero();
    if (is_late_) return false;
    const Clock::time_point begin = Clock::now();
    pollfd fd{connection_->fd(), static_cast<short>(events | also), 0};
    const int count = poll(&fd, 1, MillisecondsUntil(begin + std::min<Clock::duration>(left, kLookInterval)));
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
  return (may_hold_ ? SendHeld(/*may_wait=*/false, 0) : Flush()) && Fill();
}

// Reads what there is, at least one byte, into the empty buffer.
bool ClientSocket::Fill() {
  for (;;) {
    const Connection::Moved received = Receive();
    if (received.awaited == 0) {
      moved_bytes_ += received.bytes;
      return received.bytes > 0;
    }
    const bool has_held = !held_.empty();
    if (!Await(received.awaited, has_held ? POLLOUT : short{0})) return false;
    if (has_held && !SendHeld(/*may_wait=*/false, 0)) return false;
  }
}

// Into the empty buffer.
Connection::Moved ClientSocket::Receive() {
  if (input_ == nullptr) input_ = std::make_unique_for_overwrite<char[]>(kInputBytes);
  const Connection::Moved received = connection_->Receive(input_.get(), kInputBytes);
  input_begin_ = 0;
  input_end_ = received.bytes;
  return received;
}

}  // namespace dedup::sidecar
