// A bounded queue between two threads that neither of them ever waits for.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace dedup {

/// Up to kSize values, from one thread that pushes to one that pops. Threading: one of each.
template <class T, std::size_t kSize>
class SpscRing {
 public:
  bool full() const {
    return pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_acquire) == kSize;
  }
  /// False when it is full.
  bool Push(const T& value) {
    if (full()) return false;
    const std::size_t pushed = pushed_.load(std::memory_order_relaxed);
    values_[pushed % kSize] = value;
    pushed_.store(pushed + 1, std::memory_order_release);
    return true;
  }

  /// The oldest value, until Pop; nullptr when there is none.
  const T* Front() const {
    const std::size_t popped = popped_.load(std::memory_order_relaxed);
    return pushed_.load(std::memory_order_acquire) == popped ? nullptr : &values_[popped % kSize];
  }
  /// Front() is not nullptr.
  void Pop() { popped_.store(popped_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  static_assert((kSize & (kSize - 1)) == 0, "the counters may wrap");

  std::array<T, kSize> values_;
  alignas(64) std::atomic<std::size_t> pushed_{0};
  alignas(64) std::atomic<std::size_t> popped_{0};
};

}  // namespace dedup
