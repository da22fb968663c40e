#include "yielding_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>

#include "file.h"
#include "file_table.h"
#include "patience.h"

namespace dedup::sqlite {
namespace {

// The structures' versions that this file is compiled with; a newer SQLite may have more behind them.
constexpr int kVfsVersion = 3;
constexpr int kMethodsVersion = 3;

// What was written to a file since the disk was last told to begin.
class Unsent {
 public:
  explicit Unsent(const char* path) : path_(path) {}

  void Add(std::size_t bytes) noexcept {
    bytes_ += bytes;
    if (bytes_ < kWriteBackStepBytes) return;
    bytes_ = 0;
    try {
      const FileIdentity file = IdentityOf(path_);
      if (IdentityOf(fd_) != file) fd_ = FindDescriptor(file);
    } catch (const std::exception&) {
      return;
    }
    if (fd_ >= 0) StartWriteBack(fd_);
  }

 private:
  const char* path_;  // SQLite keeps it as long as the file
  int fd_ = -1;       // SQLite's, which does not tell it; one of our own, closed, would take SQLite's locks with it
  std::size_t bytes_ = 0;
};

// Behind what the default VFS has for each file.
int OwnOffset(const sqlite3_vfs& original) {
  return (original.szOsFile + static_cast<int>(alignof(Unsent)) - 1) / static_cast<int>(alignof(Unsent)) *
         static_cast<int>(alignof(Unsent));
}

// What the default VFS does with a file, but for the writes. It does so with one set of functions for databases and
// with another one for WALs, so this comes in two kinds.
template <int kOpenFlag>
class YieldingFile {
 public:
  static void Wrap(sqlite3_file* file, const char* path, int own_offset) {
    std::call_once(once_, [file, own_offset] {
      own_offset_ = own_offset;
      original_ = file->pMethods;
      methods_ = *original_;
      methods_.iVersion = std::min(methods_.iVersion, kMethodsVersion);
      methods_.xWrite = Write;
    });
    if (file->pMethods != original_) return;
    new (OwnPart(file)) Unsent(path);
    file->pMethods = &methods_;
  }

 private:
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    YieldIfPatient();
    const int result = original_->xWrite(file, bytes, size, offset);
    std::launder(static_cast<Unsent*>(OwnPart(file)))->Add(static_cast<std::size_t>(size));
    return result;
  }
  static void* OwnPart(sqlite3_file* file) { return reinterpret_cast<std::byte*>(file) + own_offset_; }

  static inline int own_offset_ = 0;
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
    vfs_.szOsFile = OwnOffset(*original_) + static_cast<int>(sizeof(Unsent));
    vfs_.pNext = nullptr;
    vfs_.zName = "mosquitto-dedup";
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
      sqlite3_vfs& original = *Instance().original_;
      const int result = original.xOpen(&original, name, file, flags, flags_out);
      if (result != SQLITE_OK || name == nullptr) return result;
      if ((flags & SQLITE_OPEN_MAIN_DB) != 0) YieldingFile<SQLITE_OPEN_MAIN_DB>::Wrap(file, name, OwnOffset(original));
      if ((flags & SQLITE_OPEN_WAL) != 0) YieldingFile<SQLITE_OPEN_WAL>::Wrap(file, name, OwnOffset(original));
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
