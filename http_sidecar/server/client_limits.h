// What clients may do, whoever they are.
#pragma once

#include <cstdint>
#include <string>

namespace dedup::sidecar {

struct ClientLimits {
  std::uint32_t requests_per_s = 0;           ///< of a token, or of an address without one; 0: no limit
  std::uint32_t connections_per_address = 0;  ///< 0: no limit
  std::string cors_origin = {};               ///< whose pages may ask us in a browser; *: all; empty: none but our own
};

}  // namespace dedup::sidecar
