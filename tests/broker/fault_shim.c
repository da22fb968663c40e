// Preloaded into the broker: levers for what cannot be timed from outside. The test maps the same file and pulls them.
//
// The file is two little-endian words: clock_offset_s: i64 | fault: i64. A fault is pulled once and then resets itself.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kNone = 0, kTerminateAfterThisTurn = 1, kKillAfterPuback = 2, kKillAfterPubrec = 3 };

struct Levers {
  volatile int64_t clock_offset_s;
  volatile int64_t fault;
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
