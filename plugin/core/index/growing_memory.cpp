#include "plugin/core/index/growing_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "plugin/core/base/patience.h"

namespace dedup {
namespace {

// Addresses alone, which cost nothing: more than the index can ever fill. Fewer where they are limited.
constexpr std::size_t kReservedBytesMax = std::size_t{1} << (sizeof(void*) == 8 ? 37 : 29);
constexpr std::size_t kReservedBytesMin = 16 << 20;

std::size_t WholeSteps(std::size_t bytes) {
  return (bytes + GrowingMemory::kStepBytes - 1) / GrowingMemory::kStepBytes * GrowingMemory::kStepBytes;
}

// Base pages of 16 or 64 KiB, as ARM may have them, make huge ones of 32 or 512 MiB: too much for a few keys.
bool HugePagesAreSteps() {
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  const std::size_t huge_page_bytes =
      page_bytes / sizeof(std::uint64_t) * page_bytes;  // of a full page of a page table
  return huge_page_bytes == GrowingMemory::kStepBytes;
}

}  // namespace

GrowingMemory& GrowingMemory::operator=(GrowingMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(reserved_bytes_, other.reserved_bytes_);
  other.bytes_ = bytes_.exchange(other.bytes_);
  std::swap(prepared_bytes_, other.prepared_bytes_);
  return *this;
}

GrowingMemory::~GrowingMemory() {
  if (data_ != nullptr) munmap(data_, reserved_bytes_);
}

void GrowingMemory::Reserve() {
  bool halved = false;
  for (std::size_t bytes = kReservedBytesMax; bytes >= kReservedBytesMin; bytes /= 2) {
    void* const memory = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) continue;
    if (bytes < kReservedBytesMax && !halved) {  // the broker needs addresses too
      munmap(memory, bytes);
      halved = true;
      continue;
    }
    // What lies before the first whole step stays unused.
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(memory) % kStepBytes;
    if (before != 0) munmap(memory, before);
    data_ = static_cast<std::byte*>(memory) + before;
    reserved_bytes_ = bytes - before;
    // Its failure costs speed, nothing else.
    if (HugePagesAreSteps()) madvise(data_ + kStepBytes, reserved_bytes_ - kStepBytes, MADV_HUGEPAGE);
    return;
  }
  throw std::bad_alloc();
}

void GrowingMemory::Grow(std::size_t bytes) {
  const std::size_t wanted = WholeSteps(bytes);
  const std::size_t usable = bytes_.load(std::memory_order_relaxed);
  if (wanted <= usable) return;
  if (data_ == nullptr) Reserve();
  if (wanted > reserved_bytes_ || mprotect(data_ + usable, wanted - usable, PROT_READ | PROT_WRITE) != 0) {
    throw std::bad_alloc();
  }
  bytes_.store(wanted, std::memory_order_release);
}

void GrowingMemory::Shrink(std::size_t bytes) noexcept {
  const std::size_t kept = WholeSteps(bytes);
  const std::size_t usable = bytes_.load(std::memory_order_relaxed);
  if (kept >= usable) return;
  bytes_.store(kept, std::memory_order_release);
  madvise(data_ + kept, usable - kept, MADV_DONTNEED);
}

void GrowingMemory::Prepare() noexcept {
  std::size_t usable = bytes_.load(std::memory_order_acquire);
  // A step at a time: Grow and Shrink wait for the kernel meanwhile.
  for (; prepared_bytes_ < usable; usable = bytes_.load(std::memory_order_acquire)) {
    madvise(data_ + prepared_bytes_, kStepBytes, MADV_POPULATE_WRITE);
    prepared_bytes_ += kStepBytes;
    YieldIfPatient();  // it takes up to a millisecond
  }
  prepared_bytes_ = std::max(usable, kStepBytes);
}

}  // namespace dedup
