#include "http_sidecar/base/stderr_log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace dedup::sidecar {
namespace {

constexpr std::size_t kWaitingBytesMax = std::size_t{1} << 20;
// A pipe that is told to be writable takes so much without blocking.
constexpr std::size_t kPieceBytes = 4096;

class LogThread {
 public:
  // It never ends, and so is never destroyed: it may stand in a write to a pipe that nobody reads.
  static LogThread& Instance() {
    static LogThread& log_thread = *new LogThread;
    return log_thread;
  }

  void Write(std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > kWaitingBytesMax) {
      ++lost_count_;
      return;
    }
    waiting_.append(line).push_back('\n');
    if (std::exchange(is_idle_, false)) changed_.notify_all();
  }

  void Flush(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return is_idle_; });
  }

 private:
  LogThread() {
    std::thread([this] { Run(); }).detach();
  }

  void Run() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (std::string text;;) {
      text.clear();
      {
        std::unique_lock lock(mutex_);
        if (waiting_.empty() && lost_count_ == 0) {
          is_idle_ = true;
          changed_.notify_all();
          changed_.wait(lock, [this] { return !is_idle_; });
        }
        text.swap(waiting_);
        if (lost_count_ > 0) {
          text.append("mosquitto-dedup-http: " + std::to_string(lost_count_) +
                      " lines of the log were lost, because nobody took them\n");
          lost_count_ = 0;
        }
      }
      WriteAll(text);
    }
  }

  // In pieces of whole lines, as far as possible.
  static void WriteAll(std::string_view text) {
    while (!text.empty()) {
      pollfd fd{STDERR_FILENO, POLLOUT, 0};
      poll(&fd, 1, -1);
      std::size_t size = std::min(text.size(), kPieceBytes);
      if (const std::size_t line_end = text.rfind('\n', size - 1); line_end != std::string_view::npos)
        size = line_end + 1;
      const ssize_t written = write(STDERR_FILENO, text.data(), size);
      if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR && errno != EAGAIN) {
        return;  // there is nobody to be told
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;           // guarded by mutex_
  std::uint64_t lost_count_ = 0;  // guarded by mutex_
  bool is_idle_ = true;           // guarded by mutex_: all is written
};

}  // namespace

void Log(std::string_view line) { WriteLine("mosquitto-dedup-http: " + std::string(line)); }

void WriteLine(std::string_view line) { LogThread::Instance().Write(line); }

void FlushLog(std::chrono::milliseconds patience) { LogThread::Instance().Flush(patience); }

}  // namespace dedup::sidecar
