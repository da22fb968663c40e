#include "plugin/core/base/file.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "plugin/core/base/errors.h"

namespace dedup {

File::File(const std::filesystem::path& path, Mode mode) : path_(path) {
  int flags = O_CLOEXEC;
  if (mode == Mode::kRead) flags |= O_RDONLY;
  if (mode == Mode::kReadWrite) flags |= O_RDWR;
  if (mode == Mode::kCreate) flags |= O_RDWR | O_CREAT;
  fd_ = open(path.c_str(), flags, 0640);
  if (fd_ < 0) throw StorageError("open", path_, errno);
}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (fd_ < 0) return;
  // A thread with a table of file descriptors of its own keeps the file open, and gives it up only after it was joined.
  flock(fd_, LOCK_UN);
  close(fd_);
}

std::size_t File::size_bytes() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) throw StorageError("fstat", path_, errno);
  return static_cast<std::size_t>(status.st_size);
}

std::size_t File::ReadAt(std::size_t offset, void* buffer, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(fd_, static_cast<char*>(buffer) + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw StorageError("pread", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void File::WriteAt(std::size_t offset, const void* data, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t put =
        pwrite(fd_, static_cast<const char*>(data) + done, size - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw StorageError("pwrite", path_, errno);
    done += static_cast<std::size_t>(put);
  }
}

void File::Truncate(std::size_t size) const {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) throw StorageError("ftruncate", path_, errno);
}

void File::PunchHole(std::size_t offset, std::size_t size) const {
  static_cast<void>(
      fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size)));
}

void File::Allocate(std::size_t size) {
  // XFS can take a file's blocks apart from those of its copies; who cannot says so.
  if (fallocate(fd_, FALLOC_FL_UNSHARE_RANGE, 0, static_cast<off_t>(size)) == 0) return;
  // posix_fallocate returns the error in place of setting errno.
  const int error = posix_fallocate(fd_, 0, static_cast<off_t>(size));
  if (error != 0) throw StorageError("posix_fallocate", path_, error);
}

void File::SyncData() const {
  if (fdatasync(fd_) != 0) throw StorageError("fdatasync", path_, errno);
}

void File::StartWriteBack(std::size_t offset, std::size_t size) const {
  const int error = dedup::StartWriteBack(fd_, offset, size);
  if (error != 0) throw StorageError("sync_file_range", path_, error);
}

void File::WriteUnwritten() const { dedup::WriteUnwritten(fd_, path_); }

bool File::TryLock() const {
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw StorageError("flock", path_, errno);
}

bool File::IsInPlace() const {
  const FileIdentity identity = IdentityOf(path_);
  return identity != FileIdentity{} && identity == IdentityOf(fd_);
}

FileIdentity IdentityOf(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

FileIdentity IdentityOf(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

int StartWriteBack(int fd, std::size_t offset, std::size_t size) {
  if (sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE) == 0) return 0;
  // It cannot be done here, or not now; what was changed is still to be written.
  constexpr std::array kHarmless = {EBADF, EINVAL, ESPIPE, ENOSYS, EPERM, ENOMEM, EAGAIN, EINTR};
  return std::ranges::find(kHarmless, errno) == kHarmless.end() ? errno : 0;
}

namespace {

constexpr std::size_t kDirectAlignment = 4096;  // suits every disk
constexpr std::size_t kDirectBytes = 1 << 20;

struct Range {
  std::uint64_t offset;
  std::uint64_t bytes;
};

// Where a file's room has this mark (FIEMAP_EXTENT_…). False where that cannot be told.
bool FindMarked(std::uint32_t mark, int fd, std::uint64_t size, const std::filesystem::path& path,
                std::vector<Range>* ranges) {
  // Of file systems that have no such list, and of a sandbox that does not let it be asked for. All else is a failure,
  // EIO say: what was written before does not reach the disk.
  constexpr std::array kUntold = {EOPNOTSUPP, ENOTTY, ENOSYS, EINVAL, EPERM, EACCES};
  constexpr std::uint32_t kExtentsAtOnce = 256;
  alignas(fiemap) std::array<char, sizeof(fiemap) + kExtentsAtOnce * sizeof(fiemap_extent)> buffer;
  auto* const map = reinterpret_cast<fiemap*>(buffer.data());
  const auto* const extents = reinterpret_cast<const fiemap_extent*>(buffer.data() + sizeof(fiemap));
  ranges->clear();
  for (std::uint64_t offset = 0; offset < size;) {
    *map = {};
    map->fm_start = offset;
    map->fm_length = size - offset;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = kExtentsAtOnce;
    if (ioctl(fd, FS_IOC_FIEMAP, map) != 0) {
      if (std::ranges::find(kUntold, errno) != kUntold.end()) return false;
      throw StorageError("fiemap", path, errno);
    }
    if (map->fm_mapped_extents == 0) return true;
    const std::uint64_t offset_before = offset;
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
      const fiemap_extent& extent = extents[i];
      const std::uint64_t begin = std::max<std::uint64_t>(extent.fe_logical, offset);
      offset = std::min<std::uint64_t>(extent.fe_logical + extent.fe_length, size);
      if ((extent.fe_flags & mark) != 0 && begin < offset) ranges->push_back({begin, offset - begin});
    }
    if (offset <= offset_before) return false;
  }
  return true;
}

// While it lives what is read and written goes past the cache; where that cannot be done, as ever.
class Direct {
 public:
  explicit Direct(int fd) : fd_(fd), flags_(fcntl(fd, F_GETFL)) { fcntl(fd_, F_SETFL, flags_ | O_DIRECT); }
  Direct(const Direct&) = delete;
  Direct& operator=(const Direct&) = delete;
  ~Direct() { fcntl(fd_, F_SETFL, flags_); }

 private:
  const int fd_;
  const int flags_;
};

void WriteAnew(int fd, const Range& range, const std::filesystem::path& path) {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  const std::unique_ptr<void, Free> buffer(std::aligned_alloc(kDirectAlignment, kDirectBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  const std::uint64_t end = range.offset + range.bytes;
  for (std::uint64_t offset = range.offset / kDirectAlignment * kDirectAlignment; offset < end;) {
    const std::size_t bytes = std::min<std::uint64_t>(kDirectBytes, end - offset);
    // By the cache, which still has what was to be written.
    const ssize_t got = pread(fd, buffer.get(), bytes, static_cast<off_t>(offset));
    if (got < 0) throw StorageError("pread", path, errno);
    if (got == 0) return;
    ssize_t put = -1;
    {
      const Direct direct(fd);
      put = pwrite(fd, buffer.get(), static_cast<std::size_t>(got), static_cast<off_t>(offset));
    }
    if (put < 0 && errno == EINVAL)
      put = pwrite(fd, buffer.get(), static_cast<std::size_t>(got), static_cast<off_t>(offset));
    if (put <= 0) throw StorageError("pwrite", path, errno);
    offset += static_cast<std::uint64_t>(put);
  }
}

}  // namespace

void WriteUnwritten(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw StorageError("fstat", path, errno);
  const std::uint64_t size = static_cast<std::uint64_t>(status.st_size) / kDirectAlignment * kDirectAlignment;
  std::vector<Range> ranges;
  if (!FindMarked(FIEMAP_EXTENT_UNWRITTEN, fd, size, path, &ranges) || ranges.empty()) return;
  for (const Range& range : ranges) WriteAnew(fd, range, path);
  if (FindMarked(FIEMAP_EXTENT_UNWRITTEN, fd, size, path, &ranges) && !ranges.empty()) {
    throw StorageError("write", path, "what was written does not reach the disk");
  }
}

namespace {

bool IsOnBtrfs(int fd) {
  struct statfs system {};
  return fstatfs(fd, &system) == 0 && system.f_type == BTRFS_SUPER_MAGIC;
}

}  // namespace

bool File::copies_on_write() const {
  std::vector<Range> shared;
  if (FindMarked(FIEMAP_EXTENT_SHARED, fd_, size_bytes(), path_, &shared) && !shared.empty()) return true;
  int flags = 0;
  // What is compressed cannot be written in its place.
  return IsOnBtrfs(fd_) && ioctl(fd_, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_NOCOW_FL | FS_COMPR_FL)) == 0;
}

void DisableCopyOnWrite(const std::filesystem::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  int flags = 0;
  if (IsOnBtrfs(fd) && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) == 0) {
    flags |= FS_NOCOW_FL;
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
  }
  close(fd);
}

void SyncDirectory(const std::filesystem::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw StorageError("open", directory, errno);
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  if (result != 0) throw StorageError("fsync", directory, error);
}

RingMapping::RingMapping(const File& file, std::size_t header_size, std::size_t ring_size)
    : path_(file.path()), header_size_(header_size), ring_size_(ring_size) {
  void* const base = mmap(nullptr, header_size + 2 * ring_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw StorageError("mmap", file.path(), errno);
  base_ = static_cast<std::byte*>(base);
  const auto map = [&](std::byte* address, std::size_t size, std::size_t offset) {
    if (mmap(address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), static_cast<off_t>(offset)) ==
        MAP_FAILED) {
      const int error = errno;
      munmap(base_, header_size_ + 2 * ring_size_);
      throw StorageError("mmap", file.path(), error);
    }
  };
  map(base_, header_size + ring_size, 0);
  map(base_ + header_size + ring_size, ring_size, header_size);
}

void RingMapping::Prefault(std::size_t offset, std::size_t size) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t begin = offset / page * page;
  const std::size_t end = std::min((offset + size + page - 1) / page * page, 2 * ring_size_);
  // Its failure costs speed, nothing else.
  madvise(ring() + begin, end - begin, MADV_POPULATE_WRITE);
}

void RingMapping::Blank(std::size_t offset, std::size_t size) {
  for (std::byte* const address : {ring() + offset, ring() + ring_size_ + offset}) {
    if (mmap(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      throw StorageError("mmap", path_, errno);
    }
  }
}

RingMapping::~RingMapping() { munmap(base_, header_size_ + 2 * ring_size_); }

}  // namespace dedup
