#include "tests/bench/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dedup::bench {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

void Fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

std::uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) Fail("bind");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

int TryConnect(std::uint16_t port) {
  const sockaddr_in address = Loopback(port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Connection::Connection(int fd) : fd_(fd) { fcntl(fd_, F_SETFL, O_NONBLOCK); }

Connection::~Connection() { close(fd_); }

void Connection::Write() {
  if (out.empty()) return;
  const ssize_t sent = send(fd_, out.data() + sent_, out.size() - sent_, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) Fail("send");
  if (sent > 0) sent_ += static_cast<std::size_t>(sent);
  if (sent_ == out.size()) {
    out.clear();
    sent_ = 0;
  }
}

void Connection::Receive() {
  char buffer[1 << 16];
  const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
  if (got == 0) throw std::runtime_error("the broker closed a connection");
  if (got > 0) in_.append(buffer, static_cast<std::size_t>(got));
  if (got < 0 && errno != EAGAIN) Fail("recv");
}

}  // namespace dedup::bench
