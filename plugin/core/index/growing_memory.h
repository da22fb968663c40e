// Memory for the index: one piece that grows for as long as the broker runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace dedup {

/// Memory that grows and shrinks at its end and never moves: its addresses are taken once, its pages as they are
/// touched. Fresh pages are zeros.
///
/// All but the first step lies in huge pages where the kernel has them, and of that size: a look at a random byte of
/// hundreds of megabytes else waits longer for the page tables than for the byte.
///
/// Threading: one thread, but for Prepare. Ownership: its memory; a moved-from one is empty.
class GrowingMemory {
 public:
  /// A huge page of the usual processors.
  static constexpr std::size_t kStepBytes = 2 << 20;

  GrowingMemory() = default;
  GrowingMemory(GrowingMemory&& other) noexcept { *this = std::move(other); }
  GrowingMemory& operator=(GrowingMemory&& other) noexcept;
  ~GrowingMemory();

  std::byte* data() const { return data_; }

  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// Makes `bytes` from the beginning usable. Errors: std::bad_alloc; nothing has changed then, and it may be tried
  /// again.
  void Grow(std::size_t bytes);
  /// Gives what lies behind `bytes` back to the kernel, but for the rest of a step.
  void Shrink(std::size_t bytes) noexcept;

  /// Takes the page faults of what it has grown by, so that whoever touches it need not wait for the kernel, which may
  /// take more than a millisecond for a huge page. From any one other thread. Best effort.
  void Prepare() noexcept;

 private:
  void Reserve();

  std::byte* data_ = nullptr;
  std::size_t reserved_bytes_ = 0;
  std::atomic<std::size_t> bytes_{0};        // usable, whole steps
  std::size_t prepared_bytes_ = kStepBytes;  // by Prepare; the first step is left to those who have few keys
};

}  // namespace dedup
