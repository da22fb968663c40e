#include "client_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kInputBytes = 16 * 1024;
constexpr std::size_t kOutputBytesMax = 64 * 1024;
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr seconds kPatience{15};
constexpr seconds kDrainPausePatience{2};
constexpr seconds kDrainPatience{30};
constexpr std::size_t kDrainBytesMax = std::size_t{256} << 20;

int MillisecondsUntil(ClientSocket::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - ClientSocket::Clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

}  // namespace

ClientSocket::ClientSocket(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd), input_(kInputBytes) {}

ClientSocket::Arrival ClientSocket::AwaitRequest(milliseconds patience) {
  if (input_begin_ != input_end_) return Arrival::kRequest;
  pollfd fds[] = {{fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
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
  std::memset(last_, 0, sizeof last_);
  head_bytes_left_ = kHeadBytesMax;
  head_deadline_ = Clock::now() + kPatience;
}

void ClientSocket::BeginBody() { in_head_ = false; }

ssize_t ClientSocket::Read(char* data, std::size_t size) {
  if (input_begin_ == input_end_) {
    // A client that waits for "100 Continue" must get it before it will send anything.
    if (!Flush()) return -1;
    if (!Await(POLLIN, in_head_ ? head_deadline_ : Clock::now() + kPatience) || !Fill()) return -1;
  }
  size = std::min(size, input_end_ - input_begin_);
  if (in_head_) {
    if (size > head_bytes_left_) return -1;
    head_bytes_left_ -= size;
    // The library, which reads heads byte by byte, would skip a line that ends so; a proxy in front may not.
    if (input_[input_begin_] == '\n' && last_[sizeof last_ - 1] != '\r') return -1;
  }
  std::memcpy(data, input_.data() + input_begin_, size);
  input_begin_ += size;
  const std::size_t kept = std::min(size, sizeof last_);
  std::memmove(last_, last_ + kept, sizeof last_ - kept);
  std::memcpy(last_ + sizeof last_ - kept, data + size - kept, kept);
  return static_cast<ssize_t>(size);
}

bool ClientSocket::LastReadWere(std::string_view bytes) const {
  return std::string_view(last_, sizeof last_).ends_with(bytes);
}

bool ClientSocket::Write(std::string_view data) {
  output_.append(data);
  return output_.size() < kOutputBytesMax || Flush();
}

bool ClientSocket::Flush() {
  std::size_t sent = 0;
  while (sent < output_.size()) {
    const ssize_t count = send(fd_, output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno != EINTR && !(errno == EAGAIN && Await(POLLOUT, Clock::now() + kPatience))) {
      return false;
    }
  }
  output_.clear();
  if (output_.capacity() > 2 * kOutputBytesMax) output_.shrink_to_fit();
  return true;
}

void ClientSocket::Drain() {
  if (!Flush()) return;
  shutdown(fd_, SHUT_WR);
  const Clock::time_point deadline = Clock::now() + kDrainPatience;
  for (std::size_t bytes = 0; bytes < kDrainBytesMax; bytes += input_end_) {
    if (!Await(POLLIN, std::min(deadline, Clock::now() + kDrainPausePatience)) || !Fill()) return;
  }
}

bool ClientSocket::Await(short events, Clock::time_point deadline) const {
  pollfd fd{fd_, events, 0};
  int count;
  do {
    count = poll(&fd, 1, MillisecondsUntil(deadline));
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

// Reads what there is, at least one byte, into the empty buffer.
bool ClientSocket::Fill() {
  ssize_t count;
  do {
    count = recv(fd_, input_.data(), input_.size(), 0);
  } while (count < 0 && errno == EINTR);
  input_begin_ = 0;
  input_end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  return count > 0;
}

}  // namespace dedup::sidecar
