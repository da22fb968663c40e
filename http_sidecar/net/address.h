// The addresses at a socket's two ends.
#pragma once

#include <string>

namespace dedup::sidecar {

/// "127.0.0.1:40022", "[::1]:40022": who is at the other end of a connection; "unknown" where they have gone.
std::string PeerOf(int fd);

/// The other end's address as bytes; of IPv6 its first 64 bits, for a client usually has all of the rest. Empty where
/// they have gone.
std::string NetworkOf(int fd);

/// Whether what listens can be reached from this machine only.
bool IsOnLoopback(int listening_fd);

}  // namespace dedup::sidecar
