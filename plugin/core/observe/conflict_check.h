// Whether duplicates had the payload of the first event: asked on the broker's main thread, found out on the writer's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "plugin/core/base/spsc_ring.h"
#include "plugin/core/event/key.h"
#include "plugin/core/observe/payload_mark.h"
#include "plugin/core/store/payload_head.h"

namespace dedup {

/// What the two threads hand to each other; none of them ever waits. While there is no room nothing is asked, so what
/// was compared is told beside what was found. Memory: 200 KB.
struct ConflictLink {
  explicit ConflictLink(const HashSecret& secret) : marks(secret) {}

  static constexpr std::size_t kWaitingMax = 4096;

  struct Question {
    std::uint64_t seq = 0;   ///< of the first event
    std::uint64_t mark = 0;  ///< of the duplicate's payload (PayloadMarks)
    std::uint32_t rule = 0;  ///< as the asking side numbers them, and comes back
    std::uint32_t rules_version = 0;
  };
  struct Answer {
    std::uint64_t seq = 0;
    std::uint32_t rule = 0;
    std::uint32_t rules_version = 0;
    bool is_conflict = false;
  };

  const PayloadMarks marks;
  SpscRing<Question, kWaitingMax> questions;
  SpscRing<Answer, kWaitingMax> answers;
};

/// Answers the questions: the writer's side.
///
/// At most kAnswersPerSecond, so that a flood of duplicates costs the disk and the processors little. A first event
/// that is not stored yet is waited for. One that is gone, or stored without its payload, gets no answer.
///
/// Threading: one thread. Errors: what `read` throws; that question gets no answer then.
class ConflictCheck {
 public:
  static constexpr std::int64_t kAnswersPerSecond = 1000;

  /// Reads the first PayloadMarks::kMarkedBytesMax bytes of a stored event's payload; nothing where there is none.
  using ReadHead = std::function<std::optional<PayloadHead>(std::uint64_t seq)>;

  /// `link` must outlive it.
  ConflictCheck(ConflictLink& link, ReadHead read) : link_(link), read_(std::move(read)) {}

  /// Answers what may be answered now; events up to `stored_seq` are stored. `rest` is called before each answer.
  void Run(std::uint64_t stored_seq, std::int64_t now_ms, void (*rest)());

 private:
  static constexpr std::int64_t kAnswersAtOnceMax = 100;

  ConflictLink& link_;
  const ReadHead read_;
  std::int64_t last_ms_ = 0;
  std::int64_t allowed_ = kAnswersAtOnceMax;
};

}  // namespace dedup
