// A disk that fails to sync, on demand: this program's own fdatasync stands in front of the C library's.
#pragma once

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>

namespace dedup {

/// While it lives, fdatasync fails with EIO on files whose name ends with `name`, a literal. One at a time.
class FailingDisk {
 public:
  explicit FailingDisk(const char* name) {
    failures_ = 0;
    name_ = name;
  }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  ~FailingDisk() { name_ = nullptr; }

  int failures() const { return failures_; }

  static bool Fails(int fd) {
    const char* const name = name_;
    if (name == nullptr) return false;
    std::error_code error;
    if (!std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string().ends_with(name))
      return false;
    ++failures_;
    return true;
  }

 private:
  static inline std::atomic<const char*> name_{nullptr};
  static inline std::atomic<int> failures_{0};
};

}  // namespace dedup

extern "C" __attribute__((weak, used, visibility("default"))) int fdatasync(int fd) {
  if (dedup::FailingDisk::Fails(fd)) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}
