#include "http_sidecar/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace dedup::sidecar {
namespace {

using namespace std::string_literals;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  operator int() const { return fd_; }

 private:
  const int fd_;
};

sockaddr_in6 Ipv6(const char* text, int port = 0) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return address;
}

sockaddr_in Ipv4(const char* text, int port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
  return address;
}

// Of datagrams, which need nobody at the other end. -1 where the machine has no such addresses.
template <class Address>
int Open(const Address& address, int (*call)(int, const sockaddr*, socklen_t)) {
  const int fd = socket(reinterpret_cast<const sockaddr&>(address).sa_family, SOCK_DGRAM, 0);
  if (fd >= 0 && call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}
template <class Address>
int ConnectedTo(const Address& address) {
  return Open(address, connect);
}
template <class Address>
int BoundTo(const Address& address) {
  return Open(address, bind);
}

TEST(AddressTest, APeerIsShownWithItsPort) {
  EXPECT_EQ(PeerOf(Socket(ConnectedTo(Ipv4("127.0.0.1", 4711)))), "127.0.0.1:4711");
  EXPECT_EQ(PeerOf(-1), "unknown");
  const Socket ipv6(ConnectedTo(Ipv6("::1", 4711)));
  if (ipv6 < 0) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(PeerOf(ipv6), "[::1]:4711");
}

TEST(AddressTest, AnIpv4NetworkIsTheAddressWhateverSocketItCameTo) {
  EXPECT_EQ(NetworkOf(Socket(ConnectedTo(Ipv4("127.0.0.2", 1)))), "\x7f\0\0\x02"s);
  EXPECT_EQ(NetworkOf(-1), "");
  const Socket mapped(ConnectedTo(Ipv6("::ffff:127.0.0.2", 1)));
  if (mapped < 0) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(NetworkOf(mapped), "\x7f\0\0\x02"s);
}

TEST(AddressTest, OfIpv6TheNetworkIsHalfTheAddress) {
  const Socket ipv6(ConnectedTo(Ipv6("::1", 1)));
  if (ipv6 < 0) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(NetworkOf(ipv6), std::string(8, '\0'));
}

TEST(AddressTest, LoopbackIsAllOf127AndItsLikeInIpv6) {
  EXPECT_TRUE(IsOnLoopback(Socket(BoundTo(Ipv4("127.0.0.1")))));
  EXPECT_TRUE(IsOnLoopback(Socket(BoundTo(Ipv4("127.1.2.3")))));
  EXPECT_FALSE(IsOnLoopback(Socket(BoundTo(Ipv4("0.0.0.0")))));
  EXPECT_FALSE(IsOnLoopback(-1));
  const Socket ipv6(BoundTo(Ipv6("::1")));
  if (ipv6 < 0) GTEST_SKIP() << "no IPv6 here";
  EXPECT_TRUE(IsOnLoopback(ipv6));
  EXPECT_FALSE(IsOnLoopback(Socket(BoundTo(Ipv6("::")))));
  EXPECT_TRUE(IsOnLoopback(Socket(BoundTo(Ipv6("::ffff:127.0.0.1")))));
}

}  // namespace
}  // namespace dedup::sidecar
