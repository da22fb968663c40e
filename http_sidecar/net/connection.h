// One client's connection: TCP, or TLS on top of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace dedup::sidecar {

/// No call waits. Owns the socket; the destructor takes leave of the client, as far as that goes at once, and closes
/// it. Threading: one thread at a time.
class Connection {
 public:
  /// What came of a call: bytes that moved; or what to wait for (POLLIN or POLLOUT) before the same is tried again; or
  /// neither, when the client has gone or the connection failed.
  struct Moved {
    std::size_t bytes = 0;
    short awaited = 0;
  };

  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  /// Lets go of it when the connection has been closed.
  void Keep(std::shared_ptr<const void> place) { place_ = std::move(place); }

  /// Whether what let the client in still does: its certificate's CA may have been exchanged. Threading: any thread.
  virtual bool is_trusted() const { return true; }

  /// To be called, until `bytes` is 1, before anything else.
  virtual Moved Handshake() = 0;
  virtual Moved Receive(char* data, std::size_t size) = 0;
  /// `more_follows`: it may wait for what comes next. What is tried again begins with the same bytes and is no shorter.
  virtual Moved Send(std::string_view data, bool more_follows) = 0;
  /// Whether there is something to receive of which the socket knows no more.
  virtual bool has_unread() const = 0;
  /// Whether the client spoke HTTP where TLS is wanted; it may be answered on the bare socket.
  virtual bool is_without_tls() const = 0;
  /// Tells the client that nothing will follow.
  virtual void EndSending();

 protected:
  explicit Connection(int fd) : fd_(fd) {}

 private:
  const int fd_;
  std::shared_ptr<const void> place_;
};

/// TCP as it is. Takes over the socket.
std::unique_ptr<Connection> MakePlainConnection(int fd);

}  // namespace dedup::sidecar
