#include "plugin/core/index/windows.h"

#include <algorithm>

namespace dedup {
namespace {

// Keys that are forgotten together differ in age by less than this part of their window, or by this time.
constexpr std::int64_t kMarksPerWindow = 128;
constexpr std::int64_t kMark_ms = 10;

}  // namespace

std::uint8_t Windows::Note(std::int64_t window_ms, std::uint64_t seq, std::int64_t accepted_ms) {
  if (window_ms == kPluginWindow) return Index::kPluginClass;
  if (window_ms == kForeverWindow) return kForeverClass;
  const std::uint8_t number = ClassOf(window_ms);
  if (number == kForeverClass) return number;
  std::deque<Mark>& marks = marks_[number];
  if (!marks.empty() &&
      accepted_ms - marks.back().first_ms < std::max(kMark_ms, windows_ms_[number] / kMarksPerWindow)) {
    Mark& mark = marks.back();
    mark.last_seq = seq;
    mark.last_ms = accepted_ms;
    ++mark.keys;
    return number;
  }
  marks.push_back({.last_seq = seq, .first_ms = accepted_ms, .last_ms = accepted_ms, .keys = 1});
  if (marks.size() == 1) {
    windows_ms_[number] = window_ms;
    next_ms_ = std::min(next_ms_, OverAt(window_ms, accepted_ms));
  }
  return number;
}

std::uint8_t Windows::ClassOf(std::int64_t window_ms) {
  std::uint8_t best = kForeverClass;
  for (std::uint8_t number = Index::kPluginClass + 1; number < kForeverClass; ++number) {
    if (windows_ms_[number] == window_ms) return number;
    const bool is_free = marks_[number].empty();
    const bool best_is_free = best != kForeverClass && marks_[best].empty();
    if (best_is_free) continue;
    if (is_free ||
        (windows_ms_[number] > window_ms && (best == kForeverClass || windows_ms_[number] < windows_ms_[best]))) {
      best = number;
    }
  }
  return best;
}

void Windows::ForgetSome(std::int64_t now_ms, Index* index) {
  next_ms_ = std::numeric_limits<std::int64_t>::max();
  for (std::uint8_t number = Index::kPluginClass + 1; number < kForeverClass; ++number) {
    std::deque<Mark>& marks = marks_[number];
    while (!marks.empty() && now_ms >= OverAt(windows_ms_[number], marks.front().last_ms)) {
      index->ForgetUpTo(marks.front().last_seq, number, marks.front().keys);
      marks.pop_front();
    }
    if (!marks.empty()) next_ms_ = std::min(next_ms_, OverAt(windows_ms_[number], marks.front().last_ms));
  }
}

}  // namespace dedup
