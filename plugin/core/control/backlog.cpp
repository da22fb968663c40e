#include "plugin/core/control/backlog.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

namespace dedup {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

// The bytes that the kernel has taken for the other side since the connection began; where it does not count them, kAll
// while it would take more, else 0.
std::uint64_t TakenBytes(int socket) {
  int unacknowledged_bytes = 0;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
      ioctl(socket, SIOCOUTQ, &unacknowledged_bytes) == 0) {
    return info.tcpi_bytes_acked + static_cast<std::uint64_t>(unacknowledged_bytes);
  }
  pollfd fd{socket, POLLOUT, 0};
  return poll(&fd, 1, 0) == 0 && socket >= 0 ? 0 : kAll;
}

}  // namespace

Backlog::Backlog(int socket) : socket_(socket), taken_bytes_(TakenBytes(socket)) {}

void Backlog::Add(std::size_t bytes) {
  waiting_bytes_ += bytes;
  unseen_bytes_ += bytes;
  if (unseen_bytes_ >= kLookBytes) Look();
}

void Backlog::Look() {
  unseen_bytes_ = 0;
  const std::uint64_t taken_bytes = TakenBytes(socket_);
  if (taken_bytes == kAll) {
    waiting_bytes_ = 0;
  } else if (taken_bytes > taken_bytes_) {
    // Other messages to the client count here as well: a client that reads is never taken for one that does not.
    waiting_bytes_ -= std::min(waiting_bytes_, taken_bytes - taken_bytes_);
  }
  taken_bytes_ = taken_bytes;
}

}  // namespace dedup
