// A set of seqs that mostly follow one another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace dedup {

/// Takes memory for each gap, not for each seq.
class SeqRanges {
 public:
  void Add(std::uint64_t seq) {
    if (Contains(seq)) return;
    std::uint64_t first = seq;
    std::uint64_t last = seq;
    const auto next = last_by_first_.upper_bound(seq);
    if (next != last_by_first_.begin() && std::prev(next)->second + 1 == seq) first = std::prev(next)->first;
    if (next != last_by_first_.end() && next->first == seq + 1) {
      last = next->second;
      last_by_first_.erase(next);
    }
    last_by_first_[first] = last;
  }

  bool Contains(std::uint64_t seq) const {
    const auto next = last_by_first_.upper_bound(seq);
    return next != last_by_first_.begin() && std::prev(next)->second >= seq;
  }

  bool empty() const { return last_by_first_.empty(); }

  /// Without those of another one.
  SeqRanges Without(const SeqRanges& others) const {
    SeqRanges rest;
    auto other = others.last_by_first_.begin();
    for (const auto& [begin, last] : last_by_first_) {
      std::uint64_t first = begin;
      while (other != others.last_by_first_.end() && other->second < first) ++other;
      for (auto in_range = other; in_range != others.last_by_first_.end() && in_range->first <= last; ++in_range) {
        if (in_range->first > first) rest.last_by_first_[first] = in_range->first - 1;
        first = std::max(first, in_range->second + 1);
      }
      if (first <= last) rest.last_by_first_[first] = last;
    }
    return rest;
  }

  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const auto& [first, last] : last_by_first_) count += last - first + 1;
    return count;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> last_by_first_;
};

}  // namespace dedup
