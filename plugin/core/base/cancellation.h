// The price of a system call in a process with several threads.
#pragma once

namespace dedup {

/// While it lives, the thread that made it cannot be cancelled (pthread_cancel). To be destroyed by the same thread.
///
/// Nobody cancels the broker's main thread. But once a process has a second thread, glibc before 2.41 makes the first
/// cancellable anew at each system call that may wait, and takes that back behind it: two atomic exchanges, 42 ns, some
/// ten times a message. It skips that for a thread of asynchronous cancel type, which does no harm where cancelling is
/// disabled (pthread_setcanceltype(3)).
class CancellationOff {
 public:
  CancellationOff();
  CancellationOff(const CancellationOff&) = delete;
  CancellationOff& operator=(const CancellationOff&) = delete;
  ~CancellationOff();

 private:
  int state_before_;
  int type_before_;
};

}  // namespace dedup
