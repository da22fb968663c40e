// A disk that fails to sync or to read, on demand: this program's own fdatasync and pread stand in front of the C
// library's.
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

/// While it lives, pread fails with EIO where it would read any of these bytes of files whose name ends with `name`, a
/// literal. One at a time.
class UnreadableSector {
 public:
  UnreadableSector(const char* name, off_t begin, off_t end) {
    begin_ = begin;
    end_ = end;
    name_ = name;
  }
  UnreadableSector(const UnreadableSector&) = delete;
  UnreadableSector& operator=(const UnreadableSector&) = delete;
  ~UnreadableSector() { name_ = nullptr; }

  static bool Fails(int fd, off_t offset, std::size_t size) {
    const char* const name = name_;
    if (name == nullptr || offset >= end_ || offset + static_cast<off_t>(size) <= begin_) return false;
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string().ends_with(name);
  }

 private:
  static inline std::atomic<const char*> name_{nullptr};
  static inline std::atomic<off_t> begin_{0}, end_{0};
};

}  // namespace dedup

extern "C" __attribute__((weak, used, visibility("default"))) ssize_t pread(int fd, void* buffer, size_t size,
                                                                            off_t offset) {
  if (dedup::UnreadableSector::Fails(fd, offset, size)) {
    errno = EIO;
    return -1;
  }
  return syscall(SYS_pread64, fd, buffer, size, offset);
}

extern "C" __attribute__((weak, used, visibility("default"))) int fdatasync(int fd) {
  if (dedup::FailingDisk::Fails(fd)) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}
