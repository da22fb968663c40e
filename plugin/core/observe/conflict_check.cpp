#include "plugin/core/observe/conflict_check.h"

#include <algorithm>
#include <utility>

namespace dedup {

void ConflictCheck::Run(std::uint64_t stored_seq, std::int64_t now_ms, void (*rest)()) {
  static_assert(kAnswersPerSecond == 1000, "one a millisecond");
  allowed_ =
      std::min(kAnswersAtOnceMax, allowed_ + std::max<std::int64_t>(0, now_ms - std::exchange(last_ms_, now_ms)));
  for (; allowed_ > 0 && !link_.answers.full(); --allowed_) {
    const ConflictLink::Question* const front = link_.questions.Front();
    if (front == nullptr || front->seq > stored_seq) return;
    const ConflictLink::Question question = *front;
    link_.questions.Pop();
    rest();
    const std::optional<PayloadHead> first = read_(question.seq);
    if (!first) continue;
    const bool is_conflict = link_.marks.Of(first->payload_bytes, first->head) != question.mark;
    link_.answers.Push({question.seq, question.rule, question.rules_version, is_conflict});
  }
}

}  // namespace dedup
