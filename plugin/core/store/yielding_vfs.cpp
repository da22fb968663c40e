#include "plugin/core/store/yielding_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <mutex>
#include <new>
#include <type_traits>

#include "plugin/core/base/file.h"
#include "plugin/core/base/file_table.h"
#include "plugin/core/base/patience.h"

namespace dedup::sqlite {
namespace {

// The structures' versions that this file is compiled with; a newer SQLite may have more behind them.
constexpr int kVfsVersion = 3;
constexpr int kMethodsVersion = 3;

// What was written to a file since the disk was last told to begin. It stands behind what the default VFS has for the
// file, and nobody destroys it.
class Unsent {
 public:
  explicit Unsent(const FileIdentity& file) : file_(file) {}

  // Returns an errno.
  int Add(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < kWriteBackStepBytes) return 0;
    bytes_ = 0;
    if (IdentityOf(fd_) != file_) fd_ = FindDescriptor(file_);
    return StartWriteBack(fd_);
  }

 private:
  FileIdentity file_;
  int fd_ = -1;  // SQLite's, which does not tell it; one of our own, closed, would take SQLite's locks with it
  std::size_t bytes_ = 0;
};
static_assert(std::is_trivially_destructible_v<Unsent>);

FileIdentity IdentityOfPath(const char* path) noexcept try {
  return IdentityOf(std::filesystem::path(path));
} catch (const std::exception&) {  // no memory
  return {};
}

int unsent_offset = 0;  // set with the VFS

// What the default VFS does with a file, but for the writes. It does so with one set of functions for databases and
// with another one for WALs, so this comes in two kinds.
template <int kOpenFlag>
class YieldingFile {
 public:
  static void Wrap(sqlite3_file* file, const char* path) {
    std::call_once(once_, [file] {
      original_ = file->pMethods;
      methods_ = *original_;
      methods_.iVersion = std::min(methods_.iVersion, kMethodsVersion);
      methods_.xWrite = Write;
    });
    if (file->pMethods != original_) return;
    new (UnsentOf(file)) Unsent(IdentityOfPath(path));
    file->pMethods = &methods_;
  }

 private:
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    YieldIfPatient();
    const int result = original_->xWrite(file, bytes, size, offset);
    if (result != SQLITE_OK) return result;
    const int error = std::launder(static_cast<Unsent*>(UnsentOf(file)))->Add(static_cast<std::size_t>(size));
    return error == 0 ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }
  static void* UnsentOf(sqlite3_file* file) { return reinterpret_cast<std::byte*>(file) + unsent_offset; }

  static inline std::once_flag once_;
  static inline const sqlite3_io_methods* original_ = nullptr;
  static inline sqlite3_io_methods methods_{};
};

class Vfs {
 public:
  Vfs() : original_(sqlite3_vfs_find(nullptr)) {
    if (original_ == nullptr) return;
    vfs_ = *original_;
    vfs_.iVersion = std::min(vfs_.iVersion, kVfsVersion);
    constexpr int kAlignment = alignof(Unsent);
    unsent_offset = (original_->szOsFile + kAlignment - 1) / kAlignment * kAlignment;
    vfs_.szOsFile = unsent_offset + static_cast<int>(sizeof(Unsent));
    vfs_.pNext = nullptr;
    vfs_.zName = "mosquitto-dedup";
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
      sqlite3_vfs& original = *Instance().original_;
      const int result = original.xOpen(&original, name, file, flags, flags_out);
      if (result != SQLITE_OK || name == nullptr) return result;
      if ((flags & SQLITE_OPEN_MAIN_DB) != 0) YieldingFile<SQLITE_OPEN_MAIN_DB>::Wrap(file, name);
      if ((flags & SQLITE_OPEN_WAL) != 0) YieldingFile<SQLITE_OPEN_WAL>::Wrap(file, name);
      return result;
    };
    registered_ = sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK;
  }
  // SQLite may stay when the broker unloads the plugin.
  ~Vfs() { sqlite3_vfs_unregister(&vfs_); }
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  static Vfs& Instance() {
    static Vfs vfs;
    return vfs;
  }
  const char* name() const { return registered_ ? vfs_.zName : nullptr; }

 private:
  sqlite3_vfs* original_;
  sqlite3_vfs vfs_{};
  bool registered_ = false;
};

}  // namespace

const char* YieldingVfs() { return Vfs::Instance().name(); }

}  // namespace dedup::sqlite
