#include "plugin/core/start/take_over.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

// Whoever has a database open holds a read lock on these bytes of it: https://www.sqlite.org/fileformat2.html.
constexpr off_t kSharedFirst = 0x40000002;
constexpr off_t kSharedBytes = 510;

bool IsForeign(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) && faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0 &&
         (errno == EACCES || errno == EPERM);
}

// Nobody opens it, or has it open, until this file is closed.
void LockOut(const File& database) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kSharedFirst;
  lock.l_len = kSharedBytes;
  if (fcntl(database.fd(), F_SETLK, &lock) == 0) return;
  throw StorageError("use", database.path(),
                     errno != EACCES && errno != EAGAIN
                         ? std::system_category().message(errno)
                         : "a process of another user has it open, and has made the files beside it, which the "
                           "broker's user may not write; end that process");
}

void Copy(const fs::path& path, const fs::path& copy) {
  const File from(path, File::Mode::kRead);
  const File to(copy, File::Mode::kCreate);
  std::vector<char> buffer(1 << 20);
  for (std::size_t offset = 0, got = 0; (got = from.ReadAt(offset, buffer.data(), buffer.size())) != 0; offset += got)
    to.WriteAt(offset, buffer.data(), got);
  to.SyncData();
}

void CopyInPlace(const fs::path& path) {
  const fs::path copy = path.string() + ".new";
  fs::remove(copy);
  try {
    Copy(path, copy);
    fs::rename(copy, path);
  } catch (...) {
    // It may have taken the room that was missing.
    std::error_code ignored;
    fs::remove(copy, ignored);
    throw;
  }
}

}  // namespace

void TakeOverBeside(const fs::path& database, LogQueue& log) {
  const fs::path wal = database.string() + "-wal";
  const fs::path index = database.string() + "-shm";
  const bool is_wal_foreign = IsForeign(wal);
  if (!fs::exists(database) || (!is_wal_foreign && !IsForeign(index))) return;
  const File locked(database, File::Mode::kReadWrite);
  LockOut(locked);
  if (is_wal_foreign) CopyInPlace(wal);
  fs::remove(index);  // SQLite makes it of the WAL
  SyncDirectory(database.parent_path());
  log.Add(LogLevel::kNotice,
          "a reader of another user had made files beside " + database.string() + "; they are the broker's now");
}

}  // namespace dedup
