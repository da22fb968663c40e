#include "http_sidecar/net/connection_counts.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace dedup::sidecar {

std::shared_ptr<const void> ConnectionCounts::Enter(const std::string& address) {
  if (max_ != 0) {
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = counts_[address];
    if (count >= max_) return nullptr;
    ++count;
  }
  return {this, [this, address](const void*) { Leave(address); }};
}

void ConnectionCounts::Leave(const std::string& address) {
  if (max_ == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(address);
  if (--found->second == 0) counts_.erase(found);
}

std::string NetworkOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_INET) {
    const in_addr& ipv4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return {reinterpret_cast<const char*>(&ipv4), sizeof ipv4};
  }
  const in6_addr& ipv6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  const auto* const bytes = reinterpret_cast<const char*>(ipv6.s6_addr);
  constexpr std::size_t kNetworkBytes = 8, kIpv4Begin = 12, kIpv4Bytes = 4;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return {bytes + kIpv4Begin, kIpv4Bytes};
  return {bytes, kNetworkBytes};
}

}  // namespace dedup::sidecar
