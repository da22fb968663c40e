// What StartWriteBack asked for: this program's own sync_file_range stands in front of the C library's.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace dedup {

/// While it lives, the ranges that the disk is told to begin with are noted. One at a time.
class WriteBackLog {
 public:
  struct Range {
    std::string file_name;
    std::uint64_t offset;
    std::uint64_t size;
    friend bool operator==(const Range&, const Range&) = default;
    friend void PrintTo(const Range& range, std::ostream* out) {
      *out << range.file_name << " " << range.offset << "+" << range.size;
    }
  };

  WriteBackLog() { is_active_ = true; }
  WriteBackLog(const WriteBackLog&) = delete;
  WriteBackLog& operator=(const WriteBackLog&) = delete;
  ~WriteBackLog() {
    is_active_ = false;
    Take();
  }

  /// Those since the last call.
  std::vector<Range> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(ranges_, {});
  }
  static void Add(int fd, std::uint64_t offset, std::uint64_t size) {
    if (!is_active_) return;
    std::error_code error;
    const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    const std::lock_guard lock(mutex_);
    ranges_.push_back({path.filename(), offset, size});
  }

 private:
  static inline std::atomic<bool> is_active_{false};
  static inline std::mutex mutex_;
  static inline std::vector<Range> ranges_;
};

}  // namespace dedup

extern "C" __attribute__((weak, used, visibility("default"))) int sync_file_range(int fd, off_t offset, off_t size,
                                                                                  unsigned flags) {
  dedup::WriteBackLog::Add(fd, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size));
  return static_cast<int>(syscall(SYS_sync_file_range, fd, offset, size, flags));
}
