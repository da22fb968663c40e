#include "http_sidecar/net/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace dedup::sidecar {
namespace {

class PlainConnection : public Connection {
 public:
  explicit PlainConnection(int fd) : Connection(fd) {}

  Moved Handshake() override { return {.bytes = 1}; }
  Moved Receive(char* data, std::size_t size) override {
    return MovedBy([&] { return recv(fd(), data, size, MSG_DONTWAIT); }, POLLIN);
  }
  Moved Send(std::string_view data, bool more_follows) override {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows ? MSG_MORE : 0);
    return MovedBy([&] { return send(fd(), data.data(), data.size(), flags); }, POLLOUT);
  }
  bool has_unread() const override { return false; }
  bool is_without_tls() const override { return false; }

 private:
  template <class Call>
  static Moved MovedBy(Call call, short awaited) {
    ssize_t count;
    do {
      count = call();
    } while (count < 0 && errno == EINTR);
    if (count >= 0) return {.bytes = static_cast<std::size_t>(count)};
    return {.awaited = errno == EAGAIN ? awaited : short{0}};
  }
};

}  // namespace

Connection::~Connection() { close(fd_); }

void Connection::EndSending() { shutdown(fd_, SHUT_WR); }

std::unique_ptr<Connection> MakePlainConnection(int fd) { return std::make_unique<PlainConnection>(fd); }

}  // namespace dedup::sidecar
