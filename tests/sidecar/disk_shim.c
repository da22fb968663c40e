// Preloaded into the broker: a disk that fails. The test maps the same file and chooses what fails.
//
// The file is one little-endian word, a set of the bits below. What is chosen fails with EIO until it is chosen no more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kJournalSync = 1, kWalWrite = 2, kWalSync = 4, kDatabaseWrite = 8, kDatabaseSync = 16 };

static volatile uint64_t nothing;
static volatile uint64_t* failing = &nothing;

__attribute__((constructor)) static void MapLever(void) {
  const char* path = getenv("DISK_SHIM_LEVER");
  const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof *failing, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) failing = mapped;
  close(file);
}

static int Fails(int file, uint64_t journal, uint64_t wal, uint64_t database) {
  if (*failing == 0) return 0;
  char link[64];
  char name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, name, sizeof name - 1);
  if (size < 0) return 0;
  name[size] = '\0';
  const char* const base = strrchr(name, '/');
  if (base == NULL) return 0;
  const uint64_t bit = strcmp(base, "/events.journal") == 0  ? journal
                       : strcmp(base, "/events.db-wal") == 0 ? wal
                       : strcmp(base, "/events.db") == 0     ? database
                                                             : 0;
  if ((*failing & bit) == 0) return 0;
  errno = EIO;
  return 1;
}

int fdatasync(int file) {
  if (Fails(file, kJournalSync, kWalSync, kDatabaseSync)) return -1;
  return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file) {
  if (Fails(file, kJournalSync, kWalSync, kDatabaseSync)) return -1;
  return (int)syscall(SYS_fsync, file);
}

ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  if (Fails(file, 0, kWalWrite, kDatabaseWrite)) return -1;
  return syscall(SYS_pwrite64, file, data, size, offset);
}

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) { return pwrite64(file, data, size, offset); }
