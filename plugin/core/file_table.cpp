#include "file_table.h"

#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace dedup {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kSharesAlways = true;  // ThreadSanitizer takes equal numbers in two tables for the same file
#else
constexpr bool kSharesAlways = false;
#endif

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// All descriptors are less; 0 if it cannot be told.
int FileTableSize() {
  const std::unique_ptr<std::FILE, FileCloser> status(std::fopen("/proc/thread-self/status", "re"));
  char line[256];
  int size = 0;
  while (status != nullptr && std::fgets(line, sizeof line, status.get()) != nullptr) {
    if (std::sscanf(line, "FDSize: %d", &size) == 1) return size;
  }
  return 0;
}

}  // namespace

void UnshareFileTable() noexcept {
  if (kSharesAlways) return;
  // Asked before, for a copy of a full table has no room for one more file. Until the table is copied others may open
  // files; it grows by doubling.
  const int fds = 2 * FileTableSize();
  // Nothing has a number in that range, so this copies the table and closes nothing. Containers tend to forbid
  // unshare(2).
  constexpr unsigned kAboveAll = ~0U;
  if (fds == 0 || close_range(kAboveAll, kAboveAll, CLOSE_RANGE_UNSHARE) != 0) return;
  for (int fd = STDERR_FILENO + 1; fd < fds; ++fd) {
    struct stat status {};
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) close(fd);
  }
}

}  // namespace dedup
