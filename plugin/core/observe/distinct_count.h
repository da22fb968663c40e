// How many different values there were, without keeping them.
#pragma once

#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace dedup {

/// Linear counting (Whang, Vander-Zanden, Taylor, 1990): exact for a few, about 3 % off for 10,000, and 37,000 for all
/// that are more. Memory: 512 bytes.
class DistinctCount {
 public:
  /// `hash`: of the value, all bits as good as random.
  void Add(std::uint32_t hash) noexcept { seen_.set(hash % kBits); }

  std::uint64_t Estimate() const {
    const auto unseen = std::max(0.5, static_cast<double>(kBits - seen_.count()));
    return static_cast<std::uint64_t>(std::llround(kBits * std::log(kBits / unseen)));
  }

 private:
  static constexpr std::size_t kBits = 4096;

  std::bitset<kBits> seen_;
};

}  // namespace dedup
