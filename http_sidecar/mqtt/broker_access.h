// Where the broker is, and how it lets us in.
#pragma once

#include <cstdint>
#include <string>

namespace dedup::sidecar {

struct BrokerAccess {
  std::string host;
  std::uint16_t port;
  std::string username = {};          ///< empty: none
  std::string password = {};          ///< empty: none
  std::string ca_file = {};           ///< in PEM; empty: no TLS
  std::string certificate_file = {};  ///< ours, in PEM; empty: none
  std::string key_file = {};          ///< its key, in PEM, without a passphrase
};

}  // namespace dedup::sidecar
