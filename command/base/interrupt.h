// Ctrl-C as a wish that a verb can see.
#pragma once

#include <csignal>

namespace dedup::command {

/// While one lives, the first SIGINT or SIGTERM is only noted; the next one ends the program. One at a time.
class InterruptGuard {
 public:
  /// `before_end` is called before the program is ended, in the signal's handler: it may only do what is safe there.
  explicit InterruptGuard(void (*before_end)() = nullptr);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool is_interrupted() const;

 private:
  struct sigaction before_[2];
};

}  // namespace dedup::command
