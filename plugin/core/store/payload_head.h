// As much of a stored payload as payloads are compared by.
#pragma once

#include <cstdint>
#include <string>

namespace dedup {

struct PayloadHead {
  std::uint64_t payload_bytes = 0;
  std::string head;  ///< the first bytes
};

}  // namespace dedup
