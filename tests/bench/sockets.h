// Sockets of the load generator, on loopback.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/bench/packets.h"

namespace dedup::bench {

/// Throws std::runtime_error with `what` and what errno says.
[[noreturn]] void Fail(const std::string& what);

/// A port that nobody listens on.
std::uint16_t FreePort();

/// A connected socket without Nagle's delay, its owner the caller; -1 when nobody listens there.
int TryConnect(std::uint16_t port);

/// A connection that never blocks: what is written waits in `out`, what is read is cut into packets.
class Connection {
 public:
  /// Takes a connected socket and closes it at the end.
  explicit Connection(int fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::string out;

  pollfd Poll() const { return {fd_, static_cast<short>(POLLIN | (out.empty() ? 0 : POLLOUT)), 0}; }
  void Write();

  /// Calls on_packet(const Packet&) for every packet that has arrived.
  template <class OnPacket>
  void Read(OnPacket on_packet) {
    Receive();
    std::size_t at = 0;
    Packet packet;
    while (const std::size_t bytes = DecodePacket(std::string_view(in_).substr(at), &packet)) {
      on_packet(packet);
      at += bytes;
    }
    in_.erase(0, at);
  }

 private:
  void Receive();

  int fd_;
  std::size_t sent_ = 0;
  std::string in_;
};

}  // namespace dedup::bench
