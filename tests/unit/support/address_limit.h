// As few addresses as `ulimit -v` may leave.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace dedup {

/// While it lives this process gets no more addresses than so many. For a process of a test's own.
class AddressLimit {
 public:
  explicit AddressLimit(std::size_t left_bytes) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    Set({.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + left_bytes,
         .rlim_max = before_.rlim_max});
  }
  AddressLimit(const AddressLimit&) = delete;
  AddressLimit& operator=(const AddressLimit&) = delete;
  ~AddressLimit() { Set(before_); }

 private:
  static void Set(const rlimit& limit) {
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  }

  rlimit before_{};
};

}  // namespace dedup
