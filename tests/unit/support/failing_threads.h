// A machine that has no more threads to give, on demand: this program's own pthread_create stands in front of the C
// library's.
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <atomic>

namespace dedup {

/// While it lives so many threads can be made, and then none: EAGAIN, as where a limit on processes is reached. One at
/// a time.
class FailingThreads {
 public:
  explicit FailingThreads(int left) { left_ = left; }
  FailingThreads(const FailingThreads&) = delete;
  FailingThreads& operator=(const FailingThreads&) = delete;
  ~FailingThreads() { left_ = kUnlimited; }

  static bool Fails() { return left_ != kUnlimited && left_.fetch_sub(1) <= 0; }

 private:
  static constexpr int kUnlimited = 1 << 30;
  static inline std::atomic<int> left_{kUnlimited};
};

}  // namespace dedup

extern "C" __attribute__((weak, used, visibility("default"))) int pthread_create(pthread_t* thread,
                                                                                 const pthread_attr_t* attributes,
                                                                                 void* (*body)(void*), void* argument) {
  if (dedup::FailingThreads::Fails()) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto kReal = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return kReal(thread, attributes, body, argument);
}
