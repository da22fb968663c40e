#include "http_sidecar/net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <optional>

namespace dedup::sidecar {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;

  sockaddr* any() { return reinterpret_cast<sockaddr*>(&storage); }
  bool is_ipv6() const { return storage.ss_family == AF_INET6; }
  const in6_addr& ipv6() const { return reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr; }
  // Also when it came to an IPv6 socket.
  std::optional<in_addr> ipv4() const {
    in_addr ipv4{};
    if (storage.ss_family == AF_INET) return reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
    if (!is_ipv6() || !IN6_IS_ADDR_V4MAPPED(&ipv6())) return std::nullopt;
    std::memcpy(&ipv4, ipv6().s6_addr + sizeof(in6_addr) - sizeof ipv4, sizeof ipv4);
    return ipv4;
  }
};

}  // namespace

std::string PeerOf(int fd) {
  Address address;
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getpeername(fd, address.any(), &address.size) != 0 ||
      getnameinfo(address.any(), address.size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) !=
          0) {
    return "unknown";
  }
  const std::string name = host;
  return (address.is_ipv6() ? "[" + name + "]" : name) + ":" + port;
}

std::string NetworkOf(int fd) {
  Address address;
  if (getpeername(fd, address.any(), &address.size) != 0) return {};
  const auto first_bytes = [](const auto& of, std::size_t count) {
    return std::string(reinterpret_cast<const char*>(&of), count);
  };
  if (const auto ipv4 = address.ipv4()) return first_bytes(*ipv4, sizeof *ipv4);
  constexpr std::size_t kNetworkBytes = 8;
  return first_bytes(address.ipv6(), kNetworkBytes);
}

bool IsOnLoopback(int listening_fd) {
  Address address;
  if (getsockname(listening_fd, address.any(), &address.size) != 0) return false;
  if (const auto ipv4 = address.ipv4()) return ntohl(ipv4->s_addr) >> 24 == IN_LOOPBACKNET;
  return address.is_ipv6() && IN6_IS_ADDR_LOOPBACK(&address.ipv6());
}

}  // namespace dedup::sidecar
