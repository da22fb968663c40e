#include "http_sidecar/history/recorder.h"

#include <exception>
#include <utility>

namespace dedup::sidecar {

Recorder::Recorder(History* history, std::function<std::optional<Reading>()> read)
    : history_(history), read_(std::move(read)), thread_([this] { Run(); }) {}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

void Recorder::Run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    std::optional<Reading> reading;
    try {
      reading = read_();
    } catch (const std::exception&) {  // the store cannot be read: nothing is known
    }
    const auto now = std::chrono::steady_clock::now();
    history_->Add(now, reading);
    lock.lock();
    stopped_.wait_until(lock, now + kInterval, [this] { return is_stopping_; });
  }
}

}  // namespace dedup::sidecar
