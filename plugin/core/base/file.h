// Files and mappings: the home of the POSIX file calls.
#pragma once

#include <cstddef>
#include <filesystem>
#include <utility>

namespace dedup {

/// An open file. Errors of every call: StorageError that names the call and the path. Threading: as the kernel's.
class File {
 public:
  enum class Mode { kRead, kReadWrite, kCreate };

  File() = default;
  File(const std::filesystem::path& path, Mode mode);
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept;
  ~File();

  std::size_t size_bytes() const;
  /// Returns the number of bytes read, fewer than asked for only at the file's end.
  std::size_t ReadAt(std::size_t offset, void* buffer, std::size_t size) const;
  void WriteAt(std::size_t offset, const void* data, std::size_t size) const;
  void Truncate(std::size_t size) const;
  /// Gives the room of these bytes back, which read as zeros then; best effort, not every file system can.
  void PunchHole(std::size_t offset, std::size_t size) const;
  /// Reserves the blocks themselves, also those that it shares with a copy of itself: in a file with holes a full disk
  /// would show as SIGBUS at some later store.
  void Allocate(std::size_t size);
  /// Whether what is stored into blocks that it has goes to others, as far as that can be told and helped: those of
  /// btrfs, and those that are shared with a copy. A full disk shows as SIGBUS at such a store, whatever was allocated.
  bool copies_on_write() const;
  void SyncData() const;
  /// As the function below.
  void WriteUnwritten() const;
  /// As the function below.
  void StartWriteBack(std::size_t offset, std::size_t size) const;
  /// Takes the file's lock for this object, until its end. False when another has it.
  bool TryLock() const;

  /// It has another name now, under which errors are to speak of it.
  void Renamed(const std::filesystem::path& path) { path_ = path; }

  /// Whether its path still leads to it: it was not removed, renamed or exchanged. No error: false where that cannot be
  /// told.
  bool IsInPlace() const;

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  int fd_ = -1;
  std::filesystem::path path_;
};

/// In files that are yet to be made in this directory, what is written again shall be written to where it was. For
/// btrfs, which does otherwise; best effort.
void DisableCopyOnWrite(const std::filesystem::path& directory);

/// Tells whether a path, or a descriptor, leads to the same file, without opening it.
struct FileIdentity {
  unsigned long device = 0;
  unsigned long inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
/// All zero where there is no file.
FileIdentity IdentityOf(const std::filesystem::path& path);
/// The same for a descriptor, which need not be open.
FileIdentity IdentityOf(int fd);

/// What StartWriteBack is best given at a time. It takes the kernel some 50 us; all that a second of events changes,
/// left to a sync, takes it milliseconds, in which nobody else has the processor.
constexpr std::size_t kWriteBackStepBytes = 256 << 10;
/// Lets the disk begin with what was changed among these bytes, of all the file if there are none, and seldom waits for
/// it. So a sync, which is needed all the same, has little left to do. Returns an errno, like a failed sync's, of which
/// a later sync may know nothing; 0 also where the kernel or a container cannot do it, at all or now, which does no
/// harm.
int StartWriteBack(int fd, std::size_t offset = 0, std::size_t size = 0);

/// Writes those bytes of a file, past the kernel's cache, that only have room so far: as the file system sees it, zeros
/// stand there on the disk. That is so where room was allocated and nothing written. But also where a write-back has
/// failed once: ext4 takes the page for written, and no later sync makes up for that. What is written must not change
/// meanwhile. A descriptor for reading and writing; the file's size a multiple of 4096, or what is behind stays. To be
/// followed by a sync. Does nothing where the file system does not tell. Errors: StorageError, also where it did not
/// help.
void WriteUnwritten(int fd, const std::filesystem::path& path);

/// Makes a file's name, new or changed, durable. Errors: StorageError.
void SyncDirectory(const std::filesystem::path& directory);

/// A shared mapping of a file's first `header_size` bytes followed by twice the `ring_size` bytes behind them, so that
/// what runs over the ring's end goes on at its beginning without a seam. Both are multiples of the page size.
/// Ownership: keeps the mapping, not the file. Errors: StorageError.
class RingMapping {
 public:
  RingMapping(const File& file, std::size_t header_size, std::size_t ring_size);
  RingMapping(const RingMapping&) = delete;
  RingMapping& operator=(const RingMapping&) = delete;
  ~RingMapping();

  /// Takes the page faults of the first store to these bytes of the ring now, on the calling thread, without changing
  /// them. Best effort: kernels before 5.14 can't. `offset` may run beyond the ring by up to its size.
  void Prefault(std::size_t offset, std::size_t size) const;

  /// From now on these bytes of the ring, whole pages, are zeros in memory, and no longer the file's: to load what
  /// cannot be read would be a SIGBUS. Errors: StorageError.
  void Blank(std::size_t offset, std::size_t size);

  std::byte* header() const { return base_; }
  std::byte* ring() const { return base_ + header_size_; }
  std::size_t ring_size() const { return ring_size_; }

 private:
  const std::filesystem::path path_;
  const std::size_t header_size_;
  const std::size_t ring_size_;
  std::byte* base_;
};

}  // namespace dedup
