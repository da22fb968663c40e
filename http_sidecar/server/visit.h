// A client's connection, from its arrival to its end.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/net/client_socket.h"
#include "http_sidecar/net/connection.h"
#include "http_sidecar/net/socket_fd.h"
#include "http_sidecar/server/exchange.h"
#include "http_sidecar/server/request_head.h"

namespace dedup::sidecar {

/// Whoever has it may use it: one thread at a time.
struct Visit {
  using Clock = std::chrono::steady_clock;

  int fd() const { return connection == nullptr ? arrived.get() : connection->fd(); }

  std::string network;                ///< see NetworkOf
  std::string peer;                   ///< see PeerOf; empty where nobody wants to know
  std::shared_ptr<const void> place;  ///< among all connections
  SocketFd arrived;                   ///< until the client has said something
  std::unique_ptr<Connection> connection;
  std::unique_ptr<ClientSocket> socket;
  bool is_shaken = false;  ///< the handshake is over
  HeadReader head;
  Clock::time_point head_deadline{};  ///< by when handshake and head must be there, once they have begun
  FairBudget::Share memory;           ///< for what is kept of its request
  std::size_t requests_left = 0;
  std::unique_ptr<Exchange> exchange;  ///< null until a head is whole
  bool has_seat = false;               ///< see Seats
  bool may_wait = false;               ///< see ClientSocket; otherwise it must not hold us up
  Clock::time_point request_begin{};
};

}  // namespace dedup::sidecar
