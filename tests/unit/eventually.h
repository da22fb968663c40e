// Waiting for another thread, with a deadline in place of a guessed sleep.
#pragma once

#include <chrono>
#include <thread>

namespace dedup {

/// Asks until the answer is yes; false when it is still no after ten seconds.
template <class Predicate>
bool Eventually(Predicate predicate) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace dedup
