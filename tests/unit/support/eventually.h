// Waiting for another thread, with a deadline in place of a guessed sleep.
#pragma once

#include <chrono>
#include <thread>

namespace dedup {

/// Asks until the answer is yes; false when it is still no after ten seconds and 1000 times: on a machine that is busy,
/// or stood still for a while, seconds alone give the other thread no turn.
template <class Predicate>
bool Eventually(Predicate predicate) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int times = 1; !predicate(); ++times) {
    if (times >= 1000 && std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace dedup
