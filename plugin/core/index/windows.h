// Windows of different lengths in one index: which class a key is of, and when its time is over.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>

#include "plugin/core/event/window.h"
#include "plugin/core/index/index.h"

namespace dedup {

/// Gives each length of window a class of the index, and has the index forget a class's keys when they are older than
/// that. Those of the plugin's own window are forgotten by others.
///
/// A key is remembered for as long as its window, and at most 1 % or 10 ms longer, whichever is more, so far as Forget
/// is called as often. Seqs and ages rise together, so a class has some 130 marks, and not one for each of its keys.
///
/// Limits: 30 lengths at once, beside the plugin's own window and the one without end; a length beyond them shares the
/// class of the shortest longer one. Threading: one thread.
class Windows {
 public:
  /// To be called for a key that the index gets: the class to insert it with. Within a window, seq and accepted_ms rise
  /// from call to call. Errors: std::bad_alloc, and nothing has changed then.
  std::uint8_t Note(std::int64_t window_ms, std::uint64_t seq, std::int64_t accepted_ms);

  /// Whether no key waits for its window to end.
  bool empty() const { return next_ms_ == std::numeric_limits<std::int64_t>::max(); }

  /// Has the index forget the keys whose windows are over. Costs a comparison where there are none.
  void Forget(std::int64_t now_ms, Index* index) {
    if (now_ms >= next_ms_) ForgetSome(now_ms, index);
  }

 private:
  static constexpr std::uint8_t kForeverClass = Index::kClasses - 1;

  // Keys that are forgotten together: those up to a seq, behind those of the mark before.
  struct Mark {
    std::uint64_t last_seq;
    std::int64_t first_ms;
    std::int64_t last_ms;
    std::uint64_t keys;
  };

  std::uint8_t ClassOf(std::int64_t window_ms);
  void ForgetSome(std::int64_t now_ms, Index* index);

  // By class. One without marks is free for another length.
  std::array<std::int64_t, Index::kClasses> windows_ms_{};
  std::array<std::deque<Mark>, Index::kClasses> marks_;
  std::int64_t next_ms_ = std::numeric_limits<std::int64_t>::max();  // nothing is over before
};

}  // namespace dedup
