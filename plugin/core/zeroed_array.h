// Memory for the index: large arrays that come and go for as long as the broker runs.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

namespace dedup {

/// An array of zeros. A large one is pages of its own, taken from the kernel as they are touched and given back at
/// once: on the heap, arrays that grow a little at a time leave holes that none of the next size fits into.
///
/// Errors: std::bad_alloc. Threading: none of its own. Ownership: its memory; a moved-from one is empty.
template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  /// From this many bytes on, an array should fill whole pages: what is left of the last one is lost.
  static constexpr std::size_t kPageBytes = 4096;

  ZeroedArray() = default;
  explicit ZeroedArray(std::uint32_t size) : size_(size) {
    void* memory = nullptr;
    if (IsMapped()) {
      memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) memory = nullptr;
    } else {
      memory = std::calloc(1, bytes());
    }
    if (memory == nullptr) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
  }
  ZeroedArray(ZeroedArray&& other) noexcept { *this = std::move(other); }
  ZeroedArray& operator=(ZeroedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ZeroedArray() {
    if (data_ == nullptr) return;
    if (IsMapped()) {
      munmap(data_, bytes());
    } else {
      std::free(data_);
    }
  }

  T& operator[](std::size_t i) const { return data_[i]; }
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::size_t bytes() const { return size_ * sizeof(T); }
  bool IsMapped() const { return bytes() >= kPageBytes; }

  T* data_ = nullptr;
  std::uint32_t size_ = 0;
};

}  // namespace dedup
