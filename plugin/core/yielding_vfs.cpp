#include "yielding_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <mutex>

#include "patience.h"

namespace dedup::sqlite {
namespace {

// The structures' versions that this file is compiled with; a newer SQLite may have more behind them.
constexpr int kVfsVersion = 3;
constexpr int kMethodsVersion = 3;

// What the default VFS does with a file, but for the writes. It does so with one set of functions for databases and
// with another one for WALs, so this comes in two kinds.
template <int kOpenFlag>
class YieldingFile {
 public:
  static void Wrap(sqlite3_file* file) {
    std::call_once(once_, [file] {
      original_ = file->pMethods;
      methods_ = *original_;
      methods_.iVersion = std::min(methods_.iVersion, kMethodsVersion);
      methods_.xWrite = Write;
    });
    if (file->pMethods == original_) file->pMethods = &methods_;
  }

 private:
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    YieldIfPatient();
    return original_->xWrite(file, bytes, size, offset);
  }

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
    vfs_.pNext = nullptr;
    vfs_.zName = "mosquitto-dedup";
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
      const int result = Instance().original_->xOpen(Instance().original_, name, file, flags, flags_out);
      if (result == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) YieldingFile<SQLITE_OPEN_MAIN_DB>::Wrap(file);
      if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) YieldingFile<SQLITE_OPEN_WAL>::Wrap(file);
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
