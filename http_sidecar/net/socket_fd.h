// A socket that is closed in the end.
#pragma once

#include <unistd.h>

#include <utility>

namespace dedup::sidecar {

class SocketFd {
 public:
  SocketFd() = default;
  explicit SocketFd(int fd) : fd_(fd) {}
  SocketFd(SocketFd&& other) noexcept : fd_(other.Release()) {}
  SocketFd& operator=(SocketFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~SocketFd() {
    if (fd_ >= 0) close(fd_);
  }

  /// -1 for none.
  int get() const { return fd_; }
  /// From now on it is the caller's.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace dedup::sidecar
