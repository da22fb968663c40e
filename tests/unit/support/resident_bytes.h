// How much memory this process has.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace dedup {

inline std::size_t ResidentBytes() {
  std::size_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;  // the first number is of addresses
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace dedup
