// Preloaded into the broker: levers for what cannot be timed from outside. The test maps the same file and pulls them.
//
// The file is little-endian words: clock_offset_s: i64 | fault: i64 | sync_delay_ms: i64 | write_delay_us: i64 |
// delayed_syncs: i64 | delayed_writes: i64 | failing: i64. A fault is pulled once and then resets itself; what is
// failing, a set of the bits below, fails with EIO until it is no more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kNone = 0, kTerminateAfterThisTurn = 1, kKillAfterPuback = 2, kKillAfterPubrec = 3 };

enum { kJournalSync = 1, kWalWrite = 2, kWalSync = 4, kDatabaseWrite = 8, kDatabaseSync = 16, kJournalBlocks = 32 };

struct Levers {
  volatile int64_t clock_offset_s;
  volatile int64_t fault;
  volatile int64_t sync_delay_ms;   // of each fsync and fdatasync
  volatile int64_t write_delay_us;  // of each write to events.db itself, so of a checkpoint's pages
  volatile int64_t delayed_syncs;
  volatile int64_t delayed_writes;
  volatile int64_t failing;
};

static struct Levers idle;
static struct Levers* levers = &idle;

__attribute__((constructor)) static void MapLevers(void) {
  const char* path = getenv("FAULT_SHIM_LEVERS");
  const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof(struct Levers), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) levers = mapped;
  close(file);
}

// --- the wall clock; the monotonic one keeps its pace ---

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += levers->clock_offset_s;
  return result;
}

int gettimeofday(struct timeval* now, void* zone) {
  (void)zone;
  struct timespec precise;
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

// --- the slow disk, and the failing one ---

static int Is(int file, const char* name) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path);
  const ssize_t length = (ssize_t)strlen(name);
  return size >= length && memcmp(path + size - length, name, (size_t)length) == 0;
}

static int IsDatabase(int file) { return Is(file, "/events.db"); }

static int Fails(int file, int64_t journal, int64_t wal, int64_t database) {
  const int64_t failing = levers->failing;
  if (!((failing & journal && Is(file, "/events.journal")) || (failing & wal && Is(file, "/events.db-wal")) ||
        (failing & database && IsDatabase(file)))) {
    return 0;
  }
  errno = EIO;
  return 1;
}

static void Sleep(int64_t delay_us) {
  struct timespec left = {delay_us / 1000000, delay_us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

static int DelayedSync(const char* name, int file) {
  int (*real)(int);
  *(void**)&real = dlsym(RTLD_NEXT, name);
  const int64_t delay_ms = levers->sync_delay_ms;
  if (delay_ms > 0) {
    __atomic_fetch_add(&levers->delayed_syncs, 1, __ATOMIC_RELAXED);
    Sleep(delay_ms * 1000);
  }
  return Fails(file, kJournalSync, kWalSync, kDatabaseSync) ? -1 : real(file);
}

int fsync(int file) { return DelayedSync("fsync", file); }
int fdatasync(int file) { return DelayedSync("fdatasync", file); }

ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  static ssize_t (*real)(int, const void*, size_t, off64_t);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "pwrite64");
  const int64_t delay_us = levers->write_delay_us;
  if (delay_us > 0 && IsDatabase(file)) {
    __atomic_fetch_add(&levers->delayed_writes, 1, __ATOMIC_RELAXED);
    Sleep(delay_us);
  }
  return Fails(file, 0, kWalWrite, kDatabaseWrite) ? -1 : real(file, data, size, offset);
}

int ioctl(int file, unsigned long request, ...) {
  static int (*real)(int, unsigned long, ...);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "ioctl");
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == FS_IOC_FIEMAP && Fails(file, kJournalBlocks, 0, 0)) return -1;
  return real(file, request, argument);
}

// --- the death ---

// The broker blocks SIGTERM while it waits for its sockets, so it takes this one when it has them in hand: it reads
// each once, acknowledges, and leaves the loop before it routes what the plugin queued in that turn.
int epoll_wait(int epoll, struct epoll_event* events, int events_max, int timeout_ms) {
  static int (*real)(int, struct epoll_event*, int, int);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "epoll_wait");
  const int count = real(epoll, events, events_max, timeout_ms);
  if (count > 0 && levers->fault == kTerminateAfterThisTurn) {
    levers->fault = kNone;
    kill(getpid(), SIGTERM);
  }
  return count;
}

// `fault` is as it was before the write: whoever has just read an acknowledgement may pull the lever for the next one.
static void DieAfterAcknowledging(int64_t fault, const void* data, ssize_t written) {
  if (written < 1) return;
  const int kind = *(const unsigned char*)data >> 4;
  if ((fault == kKillAfterPuback && kind == 4) || (fault == kKillAfterPubrec && kind == 5)) {
    levers->fault = kNone;
    kill(getpid(), SIGKILL);
  }
}

static int IsSocket(int file) {
  int type;
  socklen_t length = sizeof type;
  return getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

ssize_t write(int file, const void* data, size_t size) {
  static ssize_t (*real)(int, const void*, size_t);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "write");
  const int64_t fault = levers->fault;
  const ssize_t written = real(file, data, size);
  // Log lines and files pass here too, and their first byte is not a packet's.
  if (fault != kNone && IsSocket(file)) DieAfterAcknowledging(fault, data, written);
  return written;
}

ssize_t send(int socket, const void* data, size_t size, int flags) {
  static ssize_t (*real)(int, const void*, size_t, int);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "send");
  const int64_t fault = levers->fault;
  const ssize_t written = real(socket, data, size, flags);
  DieAfterAcknowledging(fault, data, written);
  return written;
}
