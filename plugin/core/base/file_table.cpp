#include "plugin/core/base/file_table.h"

#include <linux/close_range.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace dedup {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kSharesAlways = true;  // ThreadSanitizer takes equal numbers in two tables for the same file
#else
constexpr bool kSharesAlways = false;
#endif

constexpr unsigned kFdMax = ~0U;

// All descriptors are less; 0 if it cannot be told.
unsigned FileTableSize() {
  std::ifstream status("/proc/thread-self/status");
  for (std::string name; status >> name; status.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    unsigned size = 0;
    if (name == "FDSize:" && status >> size) return size;
  }
  return 0;
}

std::vector<FileIdentity> FilesOf(const std::filesystem::path& directory) {
  std::vector<FileIdentity> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(IdentityOf(entry.path()));
  return files;
}

}  // namespace

void UnshareFileTable(const std::filesystem::path& data_dir) noexcept {
  if (kSharesAlways) return;
  std::vector<FileIdentity> kept;
  unsigned fds = 0;
  try {  // before the table is copied, for a copy of a full one has no room for one more file
    kept = FilesOf(data_dir);
    fds = FileTableSize();
  } catch (const std::exception&) {
    return;
  }
  // Nothing has that number, so this copies the table and closes nothing. Containers tend to forbid unshare(2).
  if (fds == 0 || close_range(kFdMax, kFdMax, CLOSE_RANGE_UNSHARE) != 0) return;
  // Opened by others since the size was asked for.
  close_range(fds, kFdMax, 0);
  for (int fd = STDERR_FILENO + 1; fd < static_cast<int>(fds); ++fd) {
    if (std::ranges::find(kept, IdentityOf(fd)) == kept.end()) close(fd);
  }
}

int FindDescriptor(const FileIdentity& file) noexcept try {
  if (file == FileIdentity{}) return -1;
  for (int fd = 0, size = static_cast<int>(FileTableSize()); fd < size; ++fd) {
    if (IdentityOf(fd) == file) return fd;
  }
  return -1;
} catch (const std::exception&) {
  return -1;
}

}  // namespace dedup
